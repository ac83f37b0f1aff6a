import { essentialName } from './essential-name';
import { prefixOf, type StringTable } from './string-table';

const UNDERSCORE = 0x5f;
const encoder = new TextEncoder();

/** The types of one BTF: where each begins, and the strings that their names are in. */
export interface TypeTable {
  readonly words: Uint32Array;
  readonly offsets: Uint32Array;
  readonly strings: StringTable;
  readonly firstId: number;
  /** Where places are from a kept index: whether that of a type is right. */
  readonly holds?: ((position: number) => boolean) | undefined;
}

/** Thrown by a search that comes upon a place that is wrong. */
export class WrongPlace extends Error {}

/** The types of a name index: their positions in `offsets`, ascending, and the first four bytes of each one's name. */
export interface NameColumns {
  readonly positions: Uint32Array;
  readonly prefixes: Uint32Array;
}

/**
 * Ids by name. A column holds the first four bytes of each name; the engine's own `indexOf` runs over it, which in a
 * fresh process, with nothing compiled yet, is many times faster than a loop or hash table in JavaScript, and
 * building it touches each name once.
 */
export class NameIndex {
  constructor(
    private readonly table: TypeTable,
    private readonly columns: NameColumns,
  ) {}

  /** @param positions in `offsets`, of the types that are in the index: ascending */
  static of(table: TypeTable, positions: Uint32Array): NameIndex {
    return new NameIndex(table, nameColumns(table, positions));
  }

  /** Ids of the types of exactly this name and one of the kinds of the mask, ascending; `most` ids at most. */
  named(name: string, mask: number, most = Infinity): number[] {
    const needle = encoder.encode(name);
    return this.search(needle, prefixOf(needle, 0), mask, most, (_, after) => after === 0);
  }

  /** Ids of the types whose name without flavour is `name`, ascending. */
  essential(name: string, mask: number): number[] {
    const needle = encoder.encode(name);
    const found = this.search(
      needle,
      prefixOf(needle, 0),
      mask,
      Infinity,
      (nameOffset, after) => after === 0 || (after === UNDERSCORE && this.isFlavour(nameOffset, name)),
    );
    if (needle.length >= 4) return found;
    // Of a shorter name the separator is part of the column.
    const separated = prefixOf(encoder.encode(`${name}___`), 0);
    const flavours = this.search(needle, separated, mask, Infinity, (nameOffset) =>
      this.isFlavour(nameOffset, name),
    );
    return [...found, ...flavours].sort((a, b) => a - b);
  }

  private isFlavour(nameOffset: number, name: string): boolean {
    return essentialName(this.table.strings.text(nameOffset)) === name;
  }

  private search(
    needle: Uint8Array,
    prefix: number,
    mask: number,
    most: number,
    accept: (nameOffset: number, byteAfter: number) => boolean,
  ): number[] {
    const { words, offsets, strings, firstId, holds } = this.table;
    const { positions, prefixes } = this.columns;
    const found: number[] = [];
    if (needle.length === 0 || needle.includes(0)) return found;
    let entry = prefixes.indexOf(prefix);
    for (; entry >= 0 && found.length < most; entry = prefixes.indexOf(prefix, entry + 1)) {
      const position = positions[entry]!;
      if (holds?.(position) === false) throw new WrongPlace();
      const at = offsets[position]!;
      if (!((mask >>> (words[at + 1]! >>> 24)) & 1)) continue;
      const after = strings.byteAfter(words[at]!, needle);
      if (after >= 0 && accept(words[at]!, after)) found.push(firstId + position);
    }
    return found;
  }
}

/** Positions of the types that have a name and one of the kinds of the mask. */
export function namedPositions({ words, offsets }: TypeTable, mask: number): Uint32Array {
  const positions = new Uint32Array(offsets.length);
  let count = 0;
  for (let i = 0; i < offsets.length; i++) {
    const at = offsets[i]!;
    // The kind is in bits 24 to 28; a shift counts only five bits, so the flag above them does no harm.
    if ((mask >>> (words[at + 1]! >>> 24)) & 1 && words[at] !== 0) positions[count++] = i;
  }
  return positions.slice(0, count);
}

/** The columns of an index of these types. */
export function nameColumns({ words, offsets, strings }: TypeTable, positions: Uint32Array): NameColumns {
  const prefixes = new Uint32Array(positions.length);
  for (let i = 0; i < positions.length; i++) prefixes[i] = strings.prefix(words[offsets[positions[i]!]!]!);
  return { positions, prefixes };
}
