import { type ByteView } from '../bytes';
import { elementWords, fixedWords, HEADER_WORDS, KIND_COUNT } from './kinds';

/**
 * One pass over the types: the word at which each begins. Only what is needed to find the next one is looked at
 * (kind and number of elements), since the kernel's own BTF has over a hundred thousand types.
 *
 * @param start where the types begin in the file, for errors
 * @throws BpfError BTF_MALFORMED when a kind is not known or a record reaches beyond the end
 */
export function scanTypes(words: Uint32Array, view: ByteView, start: number): Uint32Array {
  const offsets = new Uint32Array(Math.floor(words.length / HEADER_WORDS));
  let count = 0;
  let at = 0;
  while (at + HEADER_WORDS <= words.length) {
    const info = words[at + 1]!;
    const kind = (info >>> 24) & 0x1f;
    if (kind === 0 || kind >= KIND_COUNT) {
      throw view.error(
        `a type has kind ${kind}, which is not known: damaged, or written for a newer version of BTF`,
        start + 4 * at,
      );
    }
    offsets[count++] = at;
    at += HEADER_WORDS + fixedWords[kind]! + elementWords[kind]! * (info & 0xffff);
  }
  if (at !== words.length) {
    const last = count > 0 ? offsets[count - 1]! : 0;
    throw view.error(
      at > words.length
        ? 'the last type reaches beyond the end of the types'
        : 'the types end in the middle of one',
      start + 4 * (at > words.length ? last : at),
    );
  }
  return offsets.slice(0, count);
}
