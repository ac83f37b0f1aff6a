import { addressOf } from './native';

/** `const char *[]` followed by the texts that it points to, each with its NUL: valid as long as the bytes are. */
export function textPointers(texts: readonly string[]): Uint8Array {
  if (texts.length === 0) return new Uint8Array(0);
  const encoded = texts.map((text) => Buffer.from(`${text}\0`));
  const bytes = Buffer.concat([new Uint8Array(8 * texts.length), ...encoded]);
  let address = addressOf(bytes) + BigInt(8 * texts.length);
  for (const [index, text] of encoded.entries()) {
    bytes.writeBigUInt64LE(address, 8 * index);
    address += BigInt(text.length);
  }
  return bytes;
}

/** `u64[]`. */
export function u64Array(values: readonly (number | bigint)[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value))).buffer);
}

/** The numbers of a `u64[]`. */
export function u64Values(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.byteLength >> 3 }, (_, index) => view.getBigUint64(8 * index, true));
}
