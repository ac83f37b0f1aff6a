import {
  compileConversion,
  integersOf,
  mapTypeName,
  type AtomicField,
  type Conversion,
  type IntegerPlace,
  type TypeOf,
} from '@nx-bpf/loader';
import { type CopyConfig } from '../manifest';
import { familyOf, type MapShape } from './shape';
import { type SummedField } from './summed';

/** How the entries of one map become those of another, or why they cannot. */
export interface CopyPlan {
  /** Why not; then nothing else counts. */
  readonly problems: readonly string[];
  readonly key: Conversion;
  readonly value: Conversion;
  readonly summed: readonly SummedField[];
  /** What can be changed in a live value of the new map with one instruction each: `summed` first, in its order. */
  readonly fields: readonly AtomicField[];
  /** Values have neither counters nor only whole words: they are read, compared and written by system calls. */
  readonly rewrites: boolean;
  /** What may be lost of what programs write between the copy of an entry and the switch; undefined: nothing. */
  readonly window: string | undefined;
}

/** Larger values have more words than a program is given instructions for: only their counters are swept again. */
const MOST_WORDS = 64;

/** What `merge: sum` calls a value that is one integer. */
const WHOLE = 'value';

/** Compares two definitions of a map, and says how its entries are copied. Pure. */
export function planCopy(from: MapShape, to: MapShape, config: CopyConfig): CopyPlan {
  const problems = familyProblems(from, to);
  const convert = (part: 'key' | 'value'): Conversion => {
    const conversion = conversionOf(from, to, part, config);
    problems.push(...conversion.problems.map((text) => `${part}: ${text}`));
    return conversion;
  };
  const key = convert('key');
  const value = convert('value');
  const summed =
    problems.length > 0 ? [] : config.sum.flatMap((name) => summedField(from, to, name, problems));
  const said = problems.length > 0 ? new Uint8Array(to.valueSize) : bytesSaid(from, to, value);
  const fields = atomicFields(to, summed, said);
  const covered = new Set(
    fields.flatMap(({ offset, size }) => Array.from({ length: size }, (_, i) => offset + i)),
  );
  const whole = said.every((byte, at) => byte === 0 || covered.has(at));
  const rewrites = summed.length === 0 && !whole;
  const window = whole && summed.length === fields.length ? perCpuWindow(to) : windowOf(config);
  return { problems, key, value, summed, fields, rewrites, window };
}

function familyProblems(from: MapShape, to: MapShape): string[] {
  const [family, other] = [familyOf(from.type), familyOf(to.type)];
  const names = `${mapTypeName(from.type)} to ${mapTypeName(to.type)}`;
  if (family === undefined) return [`entries of a map of type ${mapTypeName(from.type)} cannot be copied`];
  if (family !== other) return [`entries cannot be copied from ${names}`];
  if (family.array && to.maxEntries < from.maxEntries) {
    return [`max_entries: ${from.maxEntries} elements do not fit into ${to.maxEntries}`];
  }
  return [];
}

function conversionOf(from: MapShape, to: MapShape, part: 'key' | 'value', config: CopyConfig): Conversion {
  const [oldType, newType] = [typeOf(from, part), typeOf(to, part)];
  const size = part === 'key' ? 'keySize' : 'valueSize';
  if (oldType !== undefined && newType !== undefined) {
    return compileConversion(oldType, newType, part === 'value' ? { allowDropped: config.allowDropped } : {});
  }
  // Array keys have no types in some objects; what has none in the kernel is told apart by its size alone.
  const same = from[size] === to[size];
  const side =
    oldType === undefined ? 'of the map that is there cannot be read' : 'of the object are missing';
  return {
    same,
    differences: [],
    problems: same
      ? []
      : [`${from[size]} bytes become ${to[size]}, and the types ${side}: CAP_SYS_ADMIN and BTF are needed`],
    convert: (old, into) => into.set(old),
  };
}

function typeOf(shape: MapShape, part: 'key' | 'value'): TypeOf | undefined {
  const typeId = part === 'key' ? shape.keyTypeId : shape.valueTypeId;
  return shape.btf === undefined || typeId === 0 ? undefined : { btf: shape.btf, typeId };
}

function summedField(from: MapShape, to: MapShape, name: string, problems: string[]): SummedField[] {
  const places = (shape: MapShape): IntegerPlace[] | undefined => {
    const type = typeOf(shape, 'value');
    if (type === undefined) return undefined;
    return integersOf(type, name) ?? (name === WHOLE ? integersOf(type, '') : undefined);
  };
  const after = places(to);
  if (after === undefined) {
    problems.push(`migrate.copy.fields: the value has no field '${name}'`);
    return [];
  }
  const atomic = after.every(({ bitOffset, width }) => [32, 64].includes(width) && bitOffset % width === 0);
  if (after.length === 0 || !atomic) {
    problems.push(
      `migrate.copy.fields: '${name}' is no integer of 4 or 8 aligned bytes, and cannot be added to atomically`,
    );
    return [];
  }
  // A field that is new gained nothing.
  const before = places(from) ?? [];
  if (before.some(({ bitOffset, width }) => bitOffset % 8 !== 0 || width % 8 !== 0)) {
    problems.push(`migrate.copy.fields: '${name}' was a bitfield, and cannot be added up`);
    return [];
  }
  return after.slice(0, before.length).map((place, i) => ({ from: before[i]!, to: place }));
}

/** The bytes of a new value that an old one decides: those are not zero. What is new, and padding, is left alone. */
function bytesSaid(from: MapShape, to: MapShape, { convert }: Conversion): Uint8Array {
  const bytes = new Uint8Array(to.valueSize);
  convert(new Uint8Array(from.valueSize).fill(0xff), bytes);
  return bytes;
}

/** The counters, and each word beside them that an old value decides and that has no counter in it. */
function atomicFields(to: MapShape, summed: readonly SummedField[], said: Uint8Array): AtomicField[] {
  const counters = summed.map(({ to: { bitOffset, width } }): AtomicField => ({
    offset: bitOffset / 8,
    size: width === 64 ? 8 : 4,
    operation: 'add',
  }));
  const words: AtomicField[] = [];
  const free = (offset: number, size: number): boolean =>
    !counters.some((field) => field.offset < offset + size && offset < field.offset + field.size);
  for (let offset = 0; offset + 4 <= to.valueSize;) {
    const size = offset % 8 === 0 && offset + 8 <= to.valueSize && free(offset, 8) ? 8 : 4;
    if (free(offset, size) && said.subarray(offset, offset + size).some((byte) => byte !== 0))
      words.push({ offset, size, operation: 'exchange' });
    offset += size;
  }
  return words.length > MOST_WORDS ? counters : [...counters, ...words];
}

function windowOf({ sum }: CopyConfig): string {
  const rest = sum.length === 0 ? '' : `, but for ${sum.join(', ')},`;
  return `what programs write to an entry between its copy and the switch${rest} is lost where the new programs have written to it too`;
}

/** A remote addition is atomic, what the CPU itself adds usually is not. */
function perCpuWindow({ type }: MapShape): string | undefined {
  return familyOf(type)?.perCpu === true
    ? 'per CPU: what a CPU adds to its own value in the very moment of the sweep may be lost, unless it adds atomically'
    : undefined;
}
