/** Bytes that begin with words whose number is known, and go on with byte strings that these refer to by offset. */
export class ImageWriter {
  private readonly front: Int32Array;
  private readonly parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  /** Of the whole so far, in bytes. */
  length: number;

  constructor(words: number) {
    this.front = new Int32Array(words);
    this.length = aligned(words * 4);
  }

  words(at: number, values: readonly number[]): void {
    this.front.set(values, at);
  }

  /**
   * @param size of the place, where it is not that of the bytes
   * @returns its offset
   */
  bytes(bytes: Uint8Array, size = bytes.length): number {
    const at = this.length;
    this.parts.push({ at, bytes });
    this.length = aligned(at + size);
    return at;
  }

  /** The same for words. */
  list(values: readonly number[]): number {
    return this.bytes(new Uint8Array(Int32Array.from(values).buffer));
  }

  whole(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    bytes.set(new Uint8Array(this.front.buffer));
    for (const part of this.parts) bytes.set(part.bytes, part.at);
    return bytes;
  }
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}
