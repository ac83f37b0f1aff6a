import { possibleCpus } from '../../kernel';
import {
  Header,
  HEADER_WORDS,
  MAGIC,
  MAP_ATTRIBUTES,
  MAP_WORDS,
  MapWord,
  PROGRAM_ATTRIBUTES,
  PROGRAM_WORDS,
  ProgramWord,
  VERSION,
} from './format';

/** An image whose every offset and count is inside of it. */
export interface OpenImage {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** Word at which each map and each program begins. */
  readonly maps: readonly number[];
  readonly programs: readonly number[];
}

/**
 * Checks an image: whatever the bytes are, what is loaded from them does not reach beyond them.
 *
 * @param bytes at a multiple of 8; loading writes into them
 * @returns undefined if they are none, or not for this machine
 */
export function openImage(bytes: Uint8Array): OpenImage | undefined {
  if (bytes.length < HEADER_WORDS * 4 || bytes.length % 8 !== 0 || bytes.byteOffset % 8 !== 0)
    return undefined;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (words[Header.magic] !== MAGIC || words[Header.version] !== VERSION) return undefined;
  if (words[Header.length] !== bytes.length) return undefined;
  const cpus = words[Header.cpus]!;
  if (cpus !== 0 && cpus !== possibleCpus()) return undefined;

  /** Whether `count` parts of `size` bytes are at the offset in a word, at a multiple of 8. */
  const inside = (word: number, count: number, size = 1): boolean => {
    const at = words[word]!;
    return at >= 0 && count >= 0 && at % 8 === 0 && at + count * size <= bytes.length;
  };
  /** Whether a text of this many bytes ends with a NUL and has no other. */
  const isText = (word: number, size: number): boolean =>
    size > 0 && inside(word, size) && bytes.indexOf(0, words[word]) === words[word]! + size - 1;

  const maps = table(words, Header.mapTable, Header.maps, MAP_WORDS);
  const programs = table(words, Header.programTable, Header.programs, PROGRAM_WORDS);
  if (maps === undefined || programs === undefined) return undefined;
  if (!inside(Header.btf, words[Header.btfSize]!)) return undefined;
  const license = words[Header.license]!;
  if (!inside(Header.license, 1) || bytes.indexOf(0, license) < 0) return undefined;
  for (const at of maps) {
    const sound =
      inside(at + MapWord.attributes, MAP_ATTRIBUTES) &&
      inside(at + MapWord.data, words[at + MapWord.dataSize]!) &&
      isText(at + MapWord.pin, words[at + MapWord.pinSize]!);
    if (!sound) return undefined;
  }
  for (const at of programs) {
    const count = (word: number): number => words[at + word]!;
    const sound =
      inside(at + ProgramWord.attributes, PROGRAM_ATTRIBUTES) &&
      inside(at + ProgramWord.insns, count(ProgramWord.insnCount), 8) &&
      inside(at + ProgramWord.funcInfo, count(ProgramWord.funcInfoCount), 8) &&
      inside(at + ProgramWord.lineInfo, count(ProgramWord.lineInfoCount), 16) &&
      inside(at + ProgramWord.bindings, count(ProgramWord.bindingCount), 8) &&
      inside(at + ProgramWord.bound, count(ProgramWord.boundCount), 4) &&
      isText(at + ProgramWord.pin, count(ProgramWord.pinSize));
    if (!sound || !referencesInside(words, at, maps.length)) return undefined;
  }
  return { bytes, words, maps, programs };
}

/** The words at which the entries of a table begin. */
function table(words: Int32Array, place: number, counted: number, size: number): number[] | undefined {
  const [start, count] = [words[place]!, words[counted]!];
  if (start < 0 || count < 0 || start + count * size > words.length) return undefined;
  return Array.from({ length: count }, (_, i) => start + i * size);
}

/** Fds go into instructions of the program, and are of maps that there are. */
function referencesInside(words: Int32Array, at: number, maps: number): boolean {
  const bindings = words[at + ProgramWord.bindings]! / 4;
  const count = words[at + ProgramWord.bindingCount]!;
  const insns = words[at + ProgramWord.insnCount]!;
  for (let i = 0; i < count; i++) {
    const [insn, map] = [words[bindings + 2 * i]!, words[bindings + 2 * i + 1]!];
    if (!(insn >= 0 && insn < insns && map >= 0 && map < maps)) return false;
  }
  const bound = words[at + ProgramWord.bound]! / 4;
  for (let i = 0; i < words[at + ProgramWord.boundCount]!; i++) {
    const map = words[bound + i]!;
    if (!(map >= 0 && map < maps)) return false;
  }
  return true;
}
