import { type ByteView } from '../bytes';
import { elementWords, fixedWords, HEADER_WORDS, KIND_COUNT, TYPE_NAMES } from './kinds';

/** Where the types are: word offsets into the type section. */
export interface TypeScan {
  /** The word at which each type begins, by position (id - firstId). */
  readonly offsets: Uint32Array;
  /** Positions of the types that have a name and one of the kinds of TYPE_NAMES. */
  readonly named: Uint32Array;
}

/**
 * One pass over the types. The kernel's own BTF has over a hundred thousand, and a fresh process runs this in an
 * interpreter: hence local copies of what is imported, and one loop that also lists the named types rather than a
 * second one.
 *
 * @param start where the types begin in the file, for errors
 * @throws BpfError BTF_MALFORMED when a kind is not known or a record reaches beyond the end
 */
export function scanTypes(words: Uint32Array, view: ByteView, start: number): TypeScan {
  const most = Math.floor(words.length / HEADER_WORDS);
  const offsets = new Uint32Array(most);
  const named = new Uint32Array(most);
  const fixed = fixedWords;
  const perElement = elementWords;
  const names = TYPE_NAMES;
  const kinds = KIND_COUNT;
  const end = words.length - HEADER_WORDS;
  let count = 0;
  let namedCount = 0;
  let at = 0;
  while (at <= end) {
    const info = words[at + 1]!;
    const kind = (info >>> 24) & 0x1f;
    if (kind === 0 || kind >= kinds) {
      throw view.error(
        `a type has kind ${kind}, which is not known: damaged, or written for a newer version of BTF`,
        start + 4 * at,
      );
    }
    if ((names >>> kind) & 1 && words[at] !== 0) named[namedCount++] = count;
    offsets[count++] = at;
    at += 3 + fixed[kind]! + perElement[kind]! * (info & 0xffff);
  }
  if (at > words.length) {
    throw view.error('the last type reaches beyond the end of the types', start + 4 * offsets[count - 1]!);
  }
  if (at < words.length) throw view.error('the types end in the middle of one', start + 4 * at);
  return { offsets: offsets.subarray(0, count), named: named.subarray(0, namedCount) };
}
