import { type Btf } from './btf';
import { decoderOf, type DecodedValue } from './decoder';

/**
 * The value of a type at an offset of some bytes, in JavaScript: integers and pointers are numbers, or bigint where
 * a number would lose digits; `_Bool` is boolean; enums are names, or numbers where none fits; `char[]` is text up
 * to its NUL, or numbers where it is not UTF-8; structs and unions are objects with their anonymous members merged
 * in; arrays are arrays. {@link encodeValue} takes all of it back.
 *
 * @throws BpfError BTF_MALFORMED when the bytes end too early, or the type has no values
 *
 * @example
 * ```ts
 * const bytes = Uint8Array.of(42, 0, 0, 0, ...new TextEncoder().encode('bash'.padEnd(16, '\0')));
 * decodeValue(btf, btf.find('exec_event', BtfKind.STRUCT), bytes, 0); // { pid: 42, comm: 'bash' }
 * ```
 */
export function decodeValue(
  btf: Btf,
  typeId: number,
  bytes: Uint8Array,
  offset: number,
  littleEndian = true,
): DecodedValue {
  return decoderOf(btf, typeId, littleEndian).decode(bytes, offset);
}
