/** `BTF_KIND_*` of include/uapi/linux/btf.h: what a type is. Id 0 is `void`, which has no record and kind VOID. */
export const BtfKind = {
  VOID: 0,
  INT: 1,
  PTR: 2,
  ARRAY: 3,
  STRUCT: 4,
  UNION: 5,
  ENUM: 6,
  FWD: 7,
  TYPEDEF: 8,
  VOLATILE: 9,
  CONST: 10,
  RESTRICT: 11,
  FUNC: 12,
  FUNC_PROTO: 13,
  VAR: 14,
  DATASEC: 15,
  FLOAT: 16,
  DECL_TAG: 17,
  TYPE_TAG: 18,
  ENUM64: 19,
} as const;

/** One of the kinds of BTF. */
export type BtfKind = (typeof BtfKind)[keyof typeof BtfKind];

/** `BTF_INT_*`: bits of the encoding of an INT. */
export const IntEncoding = { SIGNED: 1, CHAR: 2, BOOL: 4 } as const;

/** `BTF_VAR_*` and `BTF_FUNC_*`: linkage of a VAR or FUNC. */
export const Linkage = { STATIC: 0, GLOBAL: 1, EXTERN: 2 } as const;

const names: readonly string[] = Object.keys(BtfKind);

/**
 * The name of a kind; kinds that do not exist are shown as numbers.
 *
 * @example
 * ```ts
 * kindName(4); // 'STRUCT'
 * ```
 */
export function kindName(kind: number): string {
  return names[kind] ?? `kind ${kind}`;
}

/** Words of `struct btf_type`: name offset, info, size or type. */
export const HEADER_WORDS = 3;

/** One past the last kind we know. */
export const KIND_COUNT = names.length;

/** Words that follow `struct btf_type`, whatever vlen is; by kind. */
export const fixedWords = new Uint8Array(32);
fixedWords[BtfKind.INT] = 1;
fixedWords[BtfKind.ARRAY] = 3;
fixedWords[BtfKind.VAR] = 1;
fixedWords[BtfKind.DECL_TAG] = 1;

/** Words of each of the vlen elements that follow `struct btf_type`; by kind. FUNC's vlen is its linkage. */
export const elementWords = new Uint8Array(32);
elementWords[BtfKind.STRUCT] = 3;
elementWords[BtfKind.UNION] = 3;
elementWords[BtfKind.ENUM] = 2;
elementWords[BtfKind.FUNC_PROTO] = 2;
elementWords[BtfKind.DATASEC] = 3;
elementWords[BtfKind.ENUM64] = 3;

/** A set of kinds as a bit mask. */
export function kindMask(...kinds: readonly BtfKind[]): number {
  return kinds.reduce<number>((mask, kind) => mask | (1 << kind), 0);
}

/** Kinds whose third word is a size in bytes. */
export const SIZED = kindMask(
  BtfKind.INT,
  BtfKind.STRUCT,
  BtfKind.UNION,
  BtfKind.ENUM,
  BtfKind.ENUM64,
  BtfKind.FLOAT,
  BtfKind.DATASEC,
);

/** Qualifiers: they change nothing about a type's values. */
export const MODIFIERS = kindMask(BtfKind.VOLATILE, BtfKind.CONST, BtfKind.RESTRICT, BtfKind.TYPE_TAG);

/** Other names of the same type. */
export const ALIASES = MODIFIERS | kindMask(BtfKind.TYPEDEF);

/** Kinds whose third word is the id of another type. */
export const REFERRING =
  ALIASES | kindMask(BtfKind.PTR, BtfKind.FUNC, BtfKind.FUNC_PROTO, BtfKind.VAR, BtfKind.DECL_TAG);

/** Kinds that name a type, which is what CO-RE looks for. */
export const TYPE_NAMES = kindMask(
  BtfKind.INT,
  BtfKind.STRUCT,
  BtfKind.UNION,
  BtfKind.ENUM,
  BtfKind.FWD,
  BtfKind.TYPEDEF,
  BtfKind.FLOAT,
  BtfKind.ENUM64,
);

/** Kinds that name something else: functions, variables, sections, tags. */
export const OTHER_NAMES = kindMask(
  BtfKind.FUNC,
  BtfKind.VAR,
  BtfKind.DATASEC,
  BtfKind.DECL_TAG,
  BtfKind.TYPE_TAG,
);
