import { essentialName } from './essential-name';
import { BtfKind, kindMask } from './kinds';
import { prefixHash, type StringTable } from './string-table';

/** Kinds that name a type; what CO-RE looks for. */
export const TYPE_NAMES = kindMask(
  BtfKind.INT,
  BtfKind.STRUCT,
  BtfKind.UNION,
  BtfKind.ENUM,
  BtfKind.FWD,
  BtfKind.TYPEDEF,
  BtfKind.FLOAT,
  BtfKind.ENUM64,
);

const BUCKETS = 4096;
const UNDERSCORE = 0x5f;
const encoder = new TextEncoder();

/**
 * Ids by name, for the kinds of one mask: hashed buckets over the first bytes of each name, so that building it
 * reads one cache line a name and copies none. Ids of one name come in ascending order.
 */
export class NameIndex {
  private readonly heads = new Int32Array(BUCKETS).fill(-1);
  private readonly ids: Uint32Array;
  private readonly next: Int32Array;

  constructor(
    private readonly words: Uint32Array,
    private readonly offsets: Uint32Array,
    private readonly strings: StringTable,
    private readonly firstId: number,
    mask: number,
  ) {
    const ids = new Uint32Array(offsets.length);
    let count = 0;
    for (let i = 0; i < offsets.length; i++) {
      const at = offsets[i]!;
      if (words[at] !== 0 && (mask >>> ((words[at + 1]! >>> 24) & 0x1f)) & 1) ids[count++] = i;
    }
    this.ids = ids.slice(0, count);
    this.next = new Int32Array(count);
    for (let i = count - 1; i >= 0; i--) {
      const bucket = strings.prefixHash(words[offsets[this.ids[i]!]!]!) & (BUCKETS - 1);
      this.next[i] = this.heads[bucket]!;
      this.heads[bucket] = i;
    }
  }

  /** Ids of the types of exactly this name and one of the kinds of the mask; `most` ids at most. */
  named(name: string, mask: number, most = Infinity): number[] {
    return this.search(name, mask, most, (_, after) => after === 0);
  }

  /** Ids of the types whose name without flavour is `name`. */
  essential(name: string, mask: number): number[] {
    return this.search(
      name,
      mask,
      Infinity,
      (nameOffset, after) =>
        after === 0 || (after === UNDERSCORE && essentialName(this.strings.text(nameOffset)) === name),
    );
  }

  private search(
    name: string,
    mask: number,
    most: number,
    accept: (nameOffset: number, byteAfter: number) => boolean,
  ): number[] {
    const found: number[] = [];
    if (name === '' || name.includes('\0')) return found;
    const needle = encoder.encode(name);
    let entry = this.heads[prefixHash(needle, 0) & (BUCKETS - 1)]!;
    for (; entry >= 0 && found.length < most; entry = this.next[entry]!) {
      const at = this.offsets[this.ids[entry]!]!;
      if (!((mask >>> ((this.words[at + 1]! >>> 24) & 0x1f)) & 1)) continue;
      const after = this.strings.byteAfter(this.words[at]!, needle);
      if (after >= 0 && accept(this.words[at]!, after)) found.push(this.firstId + this.ids[entry]!);
    }
    return found;
  }
}
