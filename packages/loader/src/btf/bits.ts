import { BpfError } from '../errors';

/** Integers up to this many bits are computed with as numbers, wider ones as bigint. */
const NUMBER_BITS = 48;

/**
 * The unsigned integer of `width` bits at a bit offset. Bits are counted from the lowest of a byte in little-endian
 * data and from the highest in big-endian data, as compilers lay out bitfields there.
 *
 * @throws BpfError BTF_MALFORMED outside the bytes
 */
export function readBits(bytes: Uint8Array, bitOffset: number, width: number, littleEndian: boolean): bigint {
  const { start, length, shift } = span(bytes, bitOffset, width, littleEndian);
  if (8 * length <= NUMBER_BITS) {
    let value = 0;
    for (let i = 0; i < length; i++)
      value = value * 256 + bytes[littleEndian ? start + length - 1 - i : start + i]!;
    return BigInt(Math.floor(value / 2 ** shift) % 2 ** width);
  }
  let value = 0n;
  for (let i = 0; i < length; i++) {
    value = (value << 8n) | BigInt(bytes[littleEndian ? start + length - 1 - i : start + i]!);
  }
  return BigInt.asUintN(width, value >> BigInt(shift));
}

/** Writes the low `width` bits of a value, see {@link readBits}; the bits around them stay. */
export function writeBits(
  bytes: Uint8Array,
  bitOffset: number,
  width: number,
  value: bigint,
  littleEndian: boolean,
): void {
  const { start, length, shift } = span(bytes, bitOffset, width, littleEndian);
  let mask = ((1n << BigInt(width)) - 1n) << BigInt(shift);
  let rest = BigInt.asUintN(width, value) << BigInt(shift);
  for (let i = 0; i < length; i++) {
    const at = littleEndian ? start + i : start + length - 1 - i;
    bytes[at] = (bytes[at]! & ~Number(mask & 0xffn)) | Number(rest & 0xffn);
    mask >>= 8n;
    rest >>= 8n;
  }
}

/** The bytes that hold the bits; checked against what there is. */
function span(bytes: Uint8Array, bitOffset: number, width: number, littleEndian: boolean): BitSpan {
  const found = bitSpan(bitOffset, width, littleEndian);
  if (found.start + found.length > bytes.length) {
    throw new BpfError('BTF_MALFORMED', 'a value is shorter than its type', {
      found: `${bytes.length} bytes`,
      expected: `at least ${found.start + found.length}`,
    });
  }
  return found;
}

/** Where bits are: the first byte, how many bytes, and how far from their low end the bits are. */
export interface BitSpan {
  readonly start: number;
  readonly length: number;
  readonly shift: number;
}

/** The bytes that hold the bits, and how far from their low end the bits are. */
export function bitSpan(bitOffset: number, width: number, littleEndian: boolean): BitSpan {
  const start = Math.floor(bitOffset / 8);
  const length = Math.ceil((bitOffset + width) / 8) - start;
  const low = bitOffset - 8 * start;
  return { start, length, shift: littleEndian ? low : 8 * length - low - width };
}
