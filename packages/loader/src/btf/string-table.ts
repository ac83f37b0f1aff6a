import { decodeText } from '../bytes';
import { BpfError } from '../errors';

const UNDERSCORE = 0x5f;
/** Bytes of a name that choose its bucket: names of kernel types differ early enough. */
const PREFIX = 8;

/**
 * The NUL-terminated strings of one BTF. In split BTF the offsets below `start` belong to the base's table.
 * The own bytes end with NUL, so every string inside them ends.
 */
export class StringTable {
  readonly start: number;
  readonly end: number;

  constructor(
    private readonly own: Uint8Array,
    private readonly base?: StringTable,
  ) {
    this.start = base?.end ?? 0;
    this.end = this.start + own.length;
  }

  /** @throws BpfError BTF_MALFORMED for an offset outside the table */
  text(offset: number): string {
    if (offset < this.start && this.base) return this.base.text(offset);
    if (!(offset >= this.start && offset < this.end)) {
      // Split BTF without strings of its own still has the empty string.
      throw new BpfError(
        'BTF_MALFORMED',
        `string offset ${offset} is outside the ${this.end} bytes of strings`,
        {
          section: '.BTF',
        },
      );
    }
    const position = offset - this.start;
    return decodeText(this.own, position, this.own.indexOf(0, position));
  }

  /** Whether the string at `offset` begins with `needle`; the byte behind it, or -1 if it does not. */
  byteAfter(offset: number, needle: Uint8Array): number {
    if (offset < this.start && this.base) return this.base.byteAfter(offset, needle);
    const position = offset - this.start;
    for (let i = 0; i < needle.length; i++) {
      if (this.own[position + i] !== needle[i]) return -1;
    }
    return this.own[position + needle.length] ?? -1;
  }

  /** A hash of how the string at `offset` begins, see {@link prefixHash}. */
  prefixHash(offset: number): number {
    if (offset < this.start && this.base) return this.base.prefixHash(offset);
    return prefixHash(this.own, offset - this.start);
  }
}

/**
 * A hash of the first bytes of a name, up to its end or to a `___`, so that `sk___old` and `sk` have the same one.
 */
export function prefixHash(bytes: Uint8Array, position: number): number {
  let hash = 0;
  for (let i = position; i < position + PREFIX; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === 0) break;
    if (byte === UNDERSCORE && i > position && bytes[i + 1] === UNDERSCORE && bytes[i + 2] === UNDERSCORE)
      break;
    hash = (Math.imul(hash, 33) + byte) | 0;
  }
  return hash ^ (hash >>> 15);
}
