/** Words of a line info record, and of a CO-RE relocation: the first is the byte offset of the instruction. */
const WORDS = 4;

/**
 * The records about one section, ready to be handed out function by function.
 *
 * @example
 * ```ts
 * const lines = new ExtRecords(ext.lineInfo('xdp'));
 * lines.within(16, 48); // records of bytes 16 to 63, with instruction indices from 0 on in place of byte offsets
 * ```
 */
export class ExtRecords {
  /** In the order of offset; records of one offset stay in the order of the file. */
  private readonly words: Uint32Array;

  constructor(words: Uint32Array) {
    this.words = sorted(words);
  }

  /** @param start and size in bytes of the section */
  within(start: number, size: number): Uint32Array {
    const from = this.firstAt(start);
    const records = this.words.slice(from * WORDS, this.firstAt(start + size) * WORDS);
    for (let i = 0; i < records.length; i += WORDS) records[i] = (records[i]! - start) >>> 3;
    return records;
  }

  /** Number of the first record at or after an offset. */
  private firstAt(offset: number): number {
    let low = 0;
    let high = this.words.length / WORDS;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.words[middle * WORDS]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Compilers write records in order: then nothing is copied. */
function sorted(words: Uint32Array): Uint32Array {
  let at = WORDS;
  while (at < words.length && words[at - WORDS]! <= words[at]!) at += WORDS;
  if (at >= words.length) return words;
  const order = Array.from({ length: words.length / WORDS }, (_, i) => i);
  order.sort((a, b) => words[a * WORDS]! - words[b * WORDS]! || a - b);
  const result = new Uint32Array(words.length);
  order.forEach((from, to) => result.set(words.subarray(from * WORDS, (from + 1) * WORDS), to * WORDS));
  return result;
}
