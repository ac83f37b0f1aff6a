import { type Btf } from './btf';
import { BtfBuilder } from './builder';
import { BtfKind, Linkage } from './kinds';

/** What BTF may use that older kernels refuse, each with the version that brought it. */
export const btfNeeds = [
  /** FUNC and FUNC_PROTO, Linux 5.0. */
  'functions',
  /** FUNC with global linkage, 5.6. */
  'globalFunctions',
  /** VAR and DATASEC, 5.2. */
  'sections',
  /** DATASEC with a name that begins with `?`, 6.9. */
  'markedSections',
  /** FLOAT, 5.13. */
  'floats',
  /** DECL_TAG, 5.16. */
  'declarationTags',
  /** TYPE_TAG, 5.17. */
  'typeTags',
  /** ENUM64, and ENUM with the flag for signed values, 6.0. */
  'enum64',
] as const;

export type BtfNeed = (typeof btfNeeds)[number];

/** A stand-in for a type that a kernel does not know: of the same length, and the same size where that counts. */
type StandIn = (btf: Btf, id: number, builder: BtfBuilder) => void;

/** Which of the needs a type has. The last one that a kernel lacks decides what becomes of it. */
function needsOf(btf: Btf, id: number): readonly BtfNeed[] {
  switch (btf.kind(id)) {
    case BtfKind.FUNC_PROTO:
      return ['functions'];
    case BtfKind.FUNC:
      return btf.linkage(id) === Linkage.GLOBAL ? ['globalFunctions', 'functions'] : ['functions'];
    case BtfKind.VAR:
      return ['sections'];
    case BtfKind.DATASEC:
      return btf.name(id).startsWith('?') ? ['markedSections', 'sections'] : ['sections'];
    case BtfKind.FLOAT:
      return ['floats'];
    case BtfKind.DECL_TAG:
      return ['declarationTags'];
    case BtfKind.TYPE_TAG:
      return ['typeTags'];
    case BtfKind.ENUM64:
      return ['enum64'];
    case BtfKind.ENUM:
      return btf.kindFlag(id) ? ['enum64'] : [];
    default:
      return [];
  }
}

/** What some BTF asks of a kernel, in the order of `btfNeeds`. */
export function needsOfBtf(btf: Btf): BtfNeed[] {
  const found = new Set<BtfNeed>();
  for (let id = btf.firstId; id < btf.endId; id++) for (const need of needsOf(btf, id)) found.add(need);
  return btfNeeds.filter((need) => found.has(need));
}

/**
 * BTF for a kernel that does not know all of it: what it lacks becomes something older of the same length, so that ids
 * stay and the types of maps and functions that are left keep their meaning. libbpf makes the same of them.
 *
 * @param missing what the kernel lacks
 * @returns the bytes of a `.BTF` section, little endian
 *
 * @example
 * ```ts
 * btfWithout(btf, new Set(['enum64', 'typeTags'])); // for Linux 5.15
 * ```
 */
export function btfWithout(btf: Btf, missing: ReadonlySet<BtfNeed>): Uint8Array {
  const builder = BtfBuilder.from(btf);
  for (let id = btf.firstId; id < btf.endId; id++) {
    const need = needsOf(btf, id).findLast((candidate) => missing.has(candidate));
    if (need !== undefined) standIns[need](btf, id, builder);
  }
  return builder.build();
}

/** One byte wide: a wider one might not fit where the variable was. */
const smallInt: StandIn = (btf, id, builder) =>
  builder.replace(id, { kind: BtfKind.INT, name: btf.name(id), vlen: 0, sizeOrType: 1, rest: [8] });

const standIns: Readonly<Record<BtfNeed, StandIn>> = {
  functions: (btf, id, builder) => {
    const name = btf.name(id);
    if (btf.kind(id) === BtfKind.FUNC)
      builder.replace(id, { kind: BtfKind.TYPEDEF, name, vlen: 0, sizeOrType: btf.type(id) });
    else builder.replace(id, { kind: BtfKind.ENUM, name, vlen: btf.vlen(id), sizeOrType: 4 });
  },
  globalFunctions: (_, id, builder) => builder.setLinkage(id, Linkage.STATIC),
  sections: (btf, id, builder) => (btf.kind(id) === BtfKind.VAR ? smallInt : toStruct)(btf, id, builder),
  markedSections: (btf, id, builder) =>
    builder.replace(id, {
      kind: BtfKind.DATASEC,
      name: btf.name(id).replace('?', '_'),
      vlen: btf.vlen(id),
      sizeOrType: btf.size(id),
    }),
  floats: (btf, id, builder) =>
    builder.replace(id, { kind: BtfKind.STRUCT, name: '', vlen: 0, sizeOrType: btf.size(id) }),
  declarationTags: smallInt,
  typeTags: (btf, id, builder) =>
    builder.replace(id, { kind: BtfKind.CONST, name: '', vlen: 0, sizeOrType: btf.type(id) }),
  enum64: (btf, id, builder) => (btf.kind(id) === BtfKind.ENUM64 ? toUnion : withoutFlag)(btf, id, builder),
};

/** An enum whose negative values are shown as large ones. */
function withoutFlag(btf: Btf, id: number, builder: BtfBuilder): void {
  const sizeOrType = btf.size(id);
  builder.replace(id, { kind: BtfKind.ENUM, name: btf.name(id), vlen: btf.vlen(id), sizeOrType });
}

/** A section as a struct with its variables as members. A struct's name is an identifier of C. */
function toStruct(btf: Btf, id: number, builder: BtfBuilder): void {
  const rest = Array.from({ length: btf.vlen(id) }, (_, i) => {
    const variable = btf.secVarType(id, i);
    return [builder.string(btf.name(variable)), variable, btf.secVarOffset(id, i) * 8];
  }).flat();
  const name = btf.name(id).replace(/[.?]/g, '_');
  builder.replace(id, { kind: BtfKind.STRUCT, name, vlen: btf.vlen(id), sizeOrType: btf.size(id), rest });
}

/** A 64-bit enum as a union of its size, whose members have the names of its values. */
function toUnion(btf: Btf, id: number, builder: BtfBuilder): void {
  const member = builder.int('enum64_value', 1, 0);
  const rest = Array.from({ length: btf.vlen(id) }, (_, i) => [
    builder.string(btf.enumName(id, i)),
    member,
    0,
  ]).flat();
  const sizeOrType = btf.size(id);
  builder.replace(id, { kind: BtfKind.UNION, name: btf.name(id), vlen: btf.vlen(id), sizeOrType, rest });
}
