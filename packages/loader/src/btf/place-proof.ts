import { elementWords, fixedWords, HEADER_WORDS, KIND_COUNT } from './kinds';

/**
 * Whether the places of types that an index gives are right, type by type as they are asked for: the record before it
 * ends where the type begins, and the type ends where the one behind it begins. An entry that is wrong by itself is
 * thereby seen, whatever it was made to say.
 */
export class PlaceProof {
  private readonly seen: Uint8Array;

  constructor(
    private readonly words: Uint32Array,
    private readonly offsets: Uint32Array,
  ) {
    this.seen = new Uint8Array(offsets.length);
  }

  /** @param position id - firstId; one that no type has does not hold */
  holds(position: number): boolean {
    if (this.seen[position] === 1) return true;
    const { offsets } = this;
    if (!(position < offsets.length)) return false;
    const start = offsets[position]!;
    const before = position === 0 ? start === 0 : this.end(offsets[position - 1]!) === start;
    const next = position + 1 < offsets.length ? offsets[position + 1]! : this.words.length;
    if (!before || this.end(start) !== next) return false;
    this.seen[position] = 1;
    return true;
  }

  /** One past the last word of the record that begins at a word; 0 for none. */
  private end(at: number): number {
    const info = this.words[at + 1];
    if (info === undefined) return 0;
    const kind = (info >>> 24) & 0x1f;
    if (kind === 0 || kind >= KIND_COUNT) return 0;
    return at + HEADER_WORDS + fixedWords[kind]! + elementWords[kind]! * (info & 0xffff);
  }
}
