import { type Draft } from '../draft';
import { type Mutator } from '../target';
import { anyBytes, inflate, rarely, several } from './bytes';

/** Numbers that a reader of text may take for too large, negative or no number. */
const numbers = [
  '0',
  '-1',
  '1',
  '4294967295',
  '4294967296',
  '18446744073709551616',
  '9007199254740993',
  '0x7fffffff',
  '1e999',
  '0b1',
  '.5',
  'NaN',
  '00',
];

/**
 * Changes of text: its words, lines and numbers, and words that mean something in it.
 *
 * @param words what may be put in
 */
export function textMutator(words: readonly string[] = []): Mutator {
  const vocabulary = [
    ...words,
    ...numbers,
    ' ',
    '\n',
    '\t',
    '"',
    "'",
    '\\',
    '\0',
    'é',
    '\u{1f600}',
    '__proto__',
    'constructor',
    'toString',
  ].map((word) => Buffer.from(word));
  const putWord: Mutator = (draft) => {
    const { start, end } = wordAt(draft, draft.random.below(draft.length + 1));
    draft.replace(start, draft.random.oneIn(2) ? start : end, draft.random.pick(vocabulary));
  };
  return rarely(1000, inflate, several(putWord, putWord, copyWord, copyLine, dropLine, swapNumber, anyBytes));
}

/** Characters that a word is made of. */
function isWord(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 65 && byte <= 90) ||
    (byte >= 97 && byte <= 122) ||
    byte === 95 ||
    byte >= 128
  );
}

/** The word at a place, or the sign there. */
function wordAt({ bytes, length }: Draft, at: number): { readonly start: number; readonly end: number } {
  if (at >= length) return { start: length, end: length };
  let [start, end] = [at, at + 1];
  if (!isWord(bytes[at]!)) return { start, end };
  while (start > 0 && isWord(bytes[start - 1]!)) start--;
  while (end < length && isWord(bytes[end]!)) end++;
  return { start, end };
}

function copyWord(draft: Draft): void {
  const { random } = draft;
  const from = wordAt(draft, random.below(draft.length));
  const piece = draft.bytes.slice(from.start, from.end);
  const to = wordAt(draft, random.below(draft.length));
  draft.replace(to.start, random.oneIn(3) ? to.start : to.end, piece);
}

function lineAt({ bytes, length }: Draft, at: number): { readonly start: number; readonly end: number } {
  const before = at === 0 ? -1 : bytes.lastIndexOf(10, at - 1);
  const after = bytes.indexOf(10, at);
  return { start: before + 1, end: after < 0 || after >= length ? length : after + 1 };
}

function copyLine(draft: Draft): void {
  const { random } = draft;
  const source = random.oneIn(3) ? draft.other() : draft.take();
  const before = source.lastIndexOf(10, random.below(source.length));
  const after = source.indexOf(10, before + 1);
  const { start } = lineAt(draft, random.below(draft.length + 1));
  draft.replace(start, start, source.subarray(before + 1, after < 0 ? source.length : after + 1));
}

function dropLine(draft: Draft): void {
  const { start, end } = lineAt(draft, draft.random.below(draft.length));
  draft.replace(start, end, new Uint8Array());
}

function swapNumber(draft: Draft): void {
  const { random, bytes, length } = draft;
  for (let at = random.below(length), left = 64; at < length && left > 0; at++, left--) {
    if (bytes[at]! < 48 || bytes[at]! > 57) continue;
    const { start, end } = wordAt(draft, at);
    return void draft.replace(start, end, Buffer.from(random.pick(numbers)));
  }
}
