import { type Btf, BtfKind } from '../btf';
import { type BpfError, nearest } from '../errors';
import { MapType } from './map-types';

/** What the members of a map's struct in `.maps` say. */
export interface MapDefinition {
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
  numaNode: number | undefined;
  mapExtra: bigint;
  pinByName: boolean;
  keyTypeId: number;
  valueTypeId: number;
  inner: MapDefinition | undefined;
  /** Where in the struct the slots of `values` begin, in bytes; undefined without that member. */
  valuesOffset: number | undefined;
}

/** A map's variable in `.maps`. */
export interface MapVariable {
  readonly name: string;
  /** Bytes into the section, and bytes that belong to the variable: more than its struct if `values` has slots. */
  readonly offset: number;
  readonly size: number;
  readonly definition: MapDefinition;
}

/** Makes an error about the map whose definition is read. */
export type MapError = (what: { found: string; expected?: string; hint?: string }) => BpfError;

/** One member of the struct. */
interface Member {
  readonly btf: Btf;
  readonly name: string;
  readonly typeId: number;
  readonly offset: number;
  readonly last: boolean;
  /** The definition is of the inner maps of another one. */
  readonly isInner: boolean;
  readonly error: MapError;
}

type Attribute = (definition: MapDefinition, member: Member) => void;

/**
 * The attributes that a map's struct may have, as the macros `__uint`, `__ulong`, `__type` and `__array` of
 * bpf_helpers.h write them. Source: libbpf's conventions for BTF-defined maps.
 */
const attributes: Readonly<Record<string, Attribute>> = {
  type: (definition, member) => {
    definition.type = number(member);
  },
  max_entries: (definition, member) => {
    definition.maxEntries = number(member);
  },
  map_flags: (definition, member) => {
    definition.flags = number(member);
  },
  numa_node: (definition, member) => {
    definition.numaNode = number(member);
  },
  map_extra: (definition, member) => {
    definition.mapExtra = longNumber(member);
  },
  key_size: (definition, member) => {
    definition.keySize = agreed(member, definition.keySize, number(member));
  },
  value_size: (definition, member) => {
    definition.valueSize = agreed(member, definition.valueSize, number(member));
  },
  key: (definition, member) => {
    definition.keyTypeId = pointedTo(member);
    definition.keySize = agreed(member, definition.keySize, member.btf.byteSize(definition.keyTypeId));
  },
  value: (definition, member) => {
    definition.valueTypeId = pointedTo(member);
    definition.valueSize = agreed(member, definition.valueSize, member.btf.byteSize(definition.valueTypeId));
  },
  pinning: (definition, member) => {
    if (member.isInner)
      throw member.error({ found: "'pinning' on an inner map", expected: 'it on the outer map' });
    const value = number(member);
    if (value > 1)
      throw member.error({
        found: `pinning ${value}`,
        expected: 'LIBBPF_PIN_NONE (0) or LIBBPF_PIN_BY_NAME (1)',
      });
    definition.pinByName = value === 1;
  },
  values: (definition, member) => readValues(definition, member),
};

/**
 * Reads the definition of a map from its struct.
 *
 * @param structId id of the struct in `btf`
 * @param error makes errors that name the map
 * @throws BpfError what `error` makes, for an attribute that is unknown, of the wrong form, or against another
 *
 * @example
 * ```ts
 * // struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, long); __uint(max_entries, 8); }
 * readDefinition(btf, id, error); // { type: 1, keySize: 4, valueSize: 8, maxEntries: 8, keyTypeId: 2, ... }
 * ```
 */
export function readDefinition(btf: Btf, structId: number, error: MapError, isInner = false): MapDefinition {
  const definition: MapDefinition = {
    type: MapType.unspec,
    keySize: 0,
    valueSize: 0,
    maxEntries: 0,
    flags: 0,
    numaNode: undefined,
    mapExtra: 0n,
    pinByName: false,
    keyTypeId: 0,
    valueTypeId: 0,
    inner: undefined,
    valuesOffset: undefined,
  };
  const count = btf.vlen(structId);
  for (let i = 0; i < count; i++) {
    const name = btf.memberName(structId, i);
    const read = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (read === undefined) throw unknownAttribute(name, error);
    const offset = btf.memberBitOffset(structId, i) / 8;
    const typeId = btf.memberType(structId, i);
    read(definition, { btf, name, typeId, offset, last: i === count - 1, isInner, error });
  }
  if (definition.type === MapType.unspec)
    throw error({ found: 'no type', hint: 'add __uint(type, BPF_MAP_TYPE_...)' });
  return definition;
}

function unknownAttribute(name: string, error: MapError): BpfError {
  const near = nearest(name, Object.keys(attributes));
  return error({
    found: `the unknown attribute '${name}'`,
    hint:
      near.length > 0
        ? `did you mean ${near.map((word) => `'${word}'`).join(' or ')}?`
        : `known are ${Object.keys(attributes).sort().join(', ')}`,
  });
}

/** `__uint(name, 7)` is `int (*name)[7]`. */
function number(member: Member): number {
  const { btf, typeId, name, error } = member;
  const pointer = btf.resolve(typeId);
  const array = btf.kind(pointer) === BtfKind.PTR ? btf.type(pointer) : 0;
  if (btf.kind(array) !== BtfKind.ARRAY)
    throw error({ found: `'${name}' of type '${btf.describe(typeId)}'`, expected: `__uint(${name}, ...)` });
  return btf.arrayLength(array);
}

/** `__ulong(name, 7)` is an enum of one value; `__uint` is taken too. */
function longNumber(member: Member): bigint {
  const { btf, typeId } = member;
  const id = btf.resolve(typeId);
  const kind = btf.kind(id);
  if (kind !== BtfKind.ENUM && kind !== BtfKind.ENUM64) return BigInt(number(member));
  if (btf.vlen(id) !== 1)
    throw member.error({
      found: `'${member.name}' with ${btf.vlen(id)} values`,
      expected: `__ulong(${member.name}, ...)`,
    });
  return BigInt.asUintN(64, btf.enumValue(id, 0));
}

/** `__type(name, T)` is `T *name`. */
function pointedTo({ btf, typeId, name, error }: Member): number {
  if (btf.kind(typeId) !== BtfKind.PTR)
    throw error({ found: `'${name}' of type '${btf.describe(typeId)}'`, expected: `__type(${name}, ...)` });
  return btf.type(typeId);
}

/** A size may be given twice, by its type and in bytes, if both say the same. */
function agreed({ name, error }: Member, before: number, now: number): number {
  if (before !== 0 && before !== now)
    throw error({
      found: `a ${name.startsWith('key') ? 'key' : 'value'} of ${before} bytes and, in '${name}', of ${now}`,
      expected: 'one size',
    });
  return now;
}

/** `__array(values, T)` is `T *values[]`: the last member, with the slots behind it. */
function readValues(definition: MapDefinition, member: Member): void {
  const { btf, typeId, offset, last, isInner, error } = member;
  const holdsMaps = definition.type === MapType.array_of_maps || definition.type === MapType.hash_of_maps;
  if (isInner) throw error({ found: "'values' in an inner map", expected: 'one level of inner maps' });
  if (!last) throw error({ found: "'values' before other attributes", expected: 'it as the last one' });
  if (!holdsMaps && definition.type !== MapType.prog_array)
    throw error({
      found: "'values' in a map that holds neither maps nor programs",
      expected: 'type (before it) BPF_MAP_TYPE_ARRAY_OF_MAPS, _HASH_OF_MAPS or _PROG_ARRAY',
    });
  definition.valueSize = agreed(member, definition.valueSize, 4);
  const isArray = btf.kind(typeId) === BtfKind.ARRAY && btf.arrayLength(typeId) === 0;
  const pointer = isArray ? btf.resolve(btf.arrayElement(typeId)) : 0;
  const target = btf.kind(pointer) === BtfKind.PTR ? btf.resolve(btf.type(pointer)) : 0;
  if (btf.kind(target) !== (holdsMaps ? BtfKind.STRUCT : BtfKind.FUNC_PROTO))
    throw error({
      found: `'values' of type '${btf.describe(typeId)}'`,
      expected: holdsMaps ? '__array(values, struct { ... })' : '__array(values, int (void *))',
    });
  definition.valuesOffset = offset;
  if (holdsMaps) definition.inner = readDefinition(btf, target, error, true);
}
