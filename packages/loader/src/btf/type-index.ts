import { type NameColumns } from './name-index';
import { wordsOf } from './words';

/** 'BTFI', little endian: first of the eight words that an index begins with. */
const MAGIC = 0x49465442;

/** Changes whenever the meaning of the words does, or which kinds count as names of types. */
const VERSION = 1;

const HEADER_WORDS = 8;

/** What a scan over the types of one BTF finds out, and the columns of its name indexes. */
export interface TypeIndex {
  /** The word at which each type begins, by position (id - firstId). */
  readonly offsets: Uint32Array;
  /** Of the kinds that name types, and of those that name something else. */
  readonly types: NameColumns;
  readonly others: NameColumns;
}

/** The lengths of the BTF that an index is of, in bytes. */
export interface IndexedLengths {
  readonly types: number;
  readonly strings: number;
}

/**
 * An index as bytes: eight words (magic, version, bytes of types and strings, types, names of types, other names, 0),
 * then the columns, all of 32-bit words in this machine's order.
 */
export function encodeIndex({ offsets, types, others }: TypeIndex, of: IndexedLengths): Uint8Array {
  const columns = [offsets, types.positions, types.prefixes, others.positions, others.prefixes];
  const words = new Uint32Array(HEADER_WORDS + columns.reduce((sum, { length }) => sum + length, 0));
  words.set([MAGIC, VERSION, of.types, of.strings, offsets.length]);
  words.set([types.positions.length, others.positions.length], 5);
  let at = HEADER_WORDS;
  for (const column of columns) {
    words.set(column, at);
    at += column.length;
  }
  return new Uint8Array(words.buffer);
}

/**
 * The columns of an index, as views of its bytes. What is in them is checked as it is used; that the bytes are those
 * that were written is for who keeps them to know.
 *
 * @returns undefined if it is none, is of another version or of another BTF
 */
export function decodeIndex(bytes: Uint8Array, of: IndexedLengths): TypeIndex | undefined {
  if (bytes.length < 4 * HEADER_WORDS || bytes.length % 4 !== 0) return undefined;
  const words = wordsOf(bytes, 0, bytes.length, true);
  if (words[0] !== MAGIC || words[1] !== VERSION) return undefined;
  if (words[2] !== of.types || words[3] !== of.strings) return undefined;
  const [count, named, other] = [words[4]!, words[5]!, words[6]!];
  if (HEADER_WORDS + count + 2 * named + 2 * other !== words.length) return undefined;
  let at = HEADER_WORDS;
  const column = (length: number): Uint32Array => words.subarray(at, (at += length));
  return {
    offsets: column(count),
    types: { positions: column(named), prefixes: column(named) },
    others: { positions: column(other), prefixes: column(other) },
  };
}
