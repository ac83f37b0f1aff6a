/**
 * `enum bpf_core_relo_kind` of include/uapi/linux/bpf.h: what a CO-RE relocation asks of the kernel's types.
 * The names are those that libbpf's log and the kernel's verifier log print.
 */
export const CoreKind = {
  FIELD_BYTE_OFFSET: 0,
  FIELD_BYTE_SIZE: 1,
  FIELD_EXISTS: 2,
  FIELD_SIGNED: 3,
  FIELD_LSHIFT_U64: 4,
  FIELD_RSHIFT_U64: 5,
  TYPE_ID_LOCAL: 6,
  TYPE_ID_TARGET: 7,
  TYPE_EXISTS: 8,
  TYPE_SIZE: 9,
  ENUMVAL_EXISTS: 10,
  ENUMVAL_VALUE: 11,
  TYPE_MATCHES: 12,
} as const;

/** What a relocation is about: a field by its access path, a type as a whole, or one value of an enum. */
export type CoreSubject = 'field' | 'type' | 'enum value';

const kinds: readonly { readonly name: string; readonly subject: CoreSubject }[] = [
  { name: 'byte_off', subject: 'field' },
  { name: 'byte_sz', subject: 'field' },
  { name: 'field_exists', subject: 'field' },
  { name: 'signed', subject: 'field' },
  { name: 'lshift_u64', subject: 'field' },
  { name: 'rshift_u64', subject: 'field' },
  { name: 'local_type_id', subject: 'type' },
  { name: 'target_type_id', subject: 'type' },
  { name: 'type_exists', subject: 'type' },
  { name: 'type_size', subject: 'type' },
  { name: 'enumval_exists', subject: 'enum value' },
  { name: 'enumval_value', subject: 'enum value' },
  { name: 'type_matches', subject: 'type' },
];

/**
 * Name and subject of a kind; undefined for a number that no kernel knows.
 *
 * @example
 * ```ts
 * coreKind(0); // { name: 'byte_off', subject: 'field' }
 * coreKind(99); // undefined
 * ```
 */
export function coreKind(kind: number): { readonly name: string; readonly subject: CoreSubject } | undefined {
  return kinds[kind];
}
