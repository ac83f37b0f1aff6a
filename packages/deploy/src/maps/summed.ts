import { type IntegerPlace } from '@nx-bpf/loader';

/** A field that programs count in: where it is in the old value and in the new one. */
export interface SummedField {
  readonly from: IntegerPlace;
  readonly to: IntegerPlace;
}

/** By how much a counter grew; it may have gone down, or around. */
export function gain({ bitOffset, width }: IntegerPlace, before: Uint8Array, after: Uint8Array): bigint {
  const size = width / 8;
  return BigInt.asIntN(width, word(after, bitOffset / 8, size) - word(before, bitOffset / 8, size));
}

/** The unsigned integer of some bytes, little endian. */
export function word(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]!);
  return value;
}
