import { decodeText } from '../bytes';
import { BpfError } from '../errors';

const UNDERSCORE = 0x5f;

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

  /**
   * The byte behind `needle` in the string at `offset`, if it begins with `needle` and ends there or goes on with
   * the underscore of a flavour; else -1.
   */
  byteAfter(offset: number, needle: Uint8Array): number {
    if (offset < this.start && this.base) return this.base.byteAfter(offset, needle);
    const position = offset - this.start;
    const after = this.own[position + needle.length];
    if (after !== 0 && after !== UNDERSCORE) return -1;
    // Names that share their first bytes differ rather at the end.
    for (let i = needle.length - 1; i >= 0; i--) {
      if (this.own[position + i] !== needle[i]) return -1;
    }
    return after;
  }

  /** The first four bytes of the string at `offset` as one number, zero from its end on: a key that tells most names apart. */
  prefix(offset: number): number {
    if (offset < this.start && this.base) return this.base.prefix(offset);
    return prefixOf(this.own, offset - this.start);
  }
}

/** See {@link StringTable.prefix}. No loop: over twenty thousand names it runs before a compiler has seen it. */
export function prefixOf(bytes: Uint8Array, position: number): number {
  const first = bytes[position];
  if (!first) return 0;
  const second = bytes[position + 1];
  if (!second) return first;
  const third = bytes[position + 2];
  if (!third) return first | (second << 8);
  return (first | (second << 8) | (third << 16) | ((bytes[position + 3] ?? 0) << 24)) >>> 0;
}
