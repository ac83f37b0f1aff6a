const hostLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/**
 * A range of bytes as 32-bit words in this machine's byte order: BTF types and ext info consist of nothing else.
 * A view of the bytes where their order and alignment allow it (always for the running kernel's BTF), else a copy.
 */
export function wordsOf(
  bytes: Uint8Array,
  start: number,
  length: number,
  littleEndian: boolean,
): Uint32Array {
  const native = littleEndian === hostLittleEndian;
  const position = bytes.byteOffset + start;
  if (native && position % 4 === 0) return new Uint32Array(bytes.buffer, position, length / 4);
  const view = new DataView(bytes.buffer, position, length);
  const words = new Uint32Array(length / 4);
  for (let i = 0; i < words.length; i++) words[i] = view.getUint32(4 * i, littleEndian);
  return words;
}

/** Words as little-endian bytes. */
export function littleEndianBytes(words: ArrayLike<number>): Uint8Array {
  if (hostLittleEndian) return new Uint8Array(new Uint32Array(words).buffer);
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words.length; i++) view.setUint32(4 * i, words[i]!, true);
  return bytes;
}
