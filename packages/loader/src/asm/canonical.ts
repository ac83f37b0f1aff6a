import { BpfError } from '../errors';
import { SLOT } from './instruction';

/**
 * A copy of an object's instructions in canonical form (`instruction.ts`), whatever the file's byte order: in a
 * big-endian file the offset and the immediate are big endian, and the two register nibbles change places.
 *
 * @param bytes the bytes of a section or function
 * @param littleEndian byte order of the file they are from
 * @throws BpfError INSTRUCTIONS_MALFORMED if they are not a whole number of 8-byte slots
 *
 * @example
 * ```ts
 * toCanonical(Uint8Array.of(0x85, 0x10, 0, 0, 0, 0, 0, 7), false); // 85 01 00 00 07 00 00 00
 * ```
 */
export function toCanonical(bytes: Uint8Array, littleEndian: boolean): Uint8Array {
  if (bytes.length % SLOT !== 0)
    throw new BpfError('INSTRUCTIONS_MALFORMED', 'instructions are not whole', {
      offset: bytes.length - (bytes.length % SLOT),
      found: `${bytes.length} bytes`,
      expected: `a multiple of ${SLOT}`,
    });
  const insns = new Uint8Array(bytes);
  if (littleEndian) return insns;
  for (let at = 0; at < insns.length; at += SLOT) {
    const registers = bytes[at + 1]!;
    insns[at + 1] = (registers << 4) | (registers >> 4);
    insns[at + 2] = bytes[at + 3]!;
    insns[at + 3] = bytes[at + 2]!;
    for (let i = 0; i < 4; i++) insns[at + 4 + i] = bytes[at + 7 - i]!;
  }
  return insns;
}
