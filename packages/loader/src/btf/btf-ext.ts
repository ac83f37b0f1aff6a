import { type ByteView } from '../bytes';
import { type Btf } from './btf';
import { type Preamble, type Range, readPreamble, readRange } from './header';
import { BtfKind } from './kinds';
import { wordsOf } from './words';

/** `struct bpf_func_info`: byte offset of the instruction, FUNC id. */
export const FUNC_INFO_WORDS = 2;
/** `struct bpf_line_info`: byte offset of the instruction, file name, source line, line number << 10 | column. */
export const LINE_INFO_WORDS = 4;
/** `struct bpf_core_relo`: byte offset of the instruction, type id, access string, `enum bpf_core_relo_kind`. */
export const CORE_RELOCATION_WORDS = 4;

/** Header up to line_info_len; the two words about CO-RE came with kernel 5.3 and may be missing. */
const HEADER_LENGTH = 24;
const CORE_HEADER_LENGTH = 32;

const EMPTY = new Uint32Array();

type Records = ReadonlyMap<string, Uint32Array>;

/** Tells what is wrong with a record of words that begin at `at`, undefined if nothing is. */
type RecordCheck = (words: Uint32Array, at: number) => string | undefined;

/**
 * Section `.BTF.ext`: what BTF says about instructions (Documentation/bpf/btf.rst, "BTF_KIND_FUNC" and on). Records
 * belong to the ELF section whose name they stand under; instruction offsets are bytes from its start. Their order
 * is the file's.
 *
 * @example
 * ```ts
 * const ext = BtfExt.parse(elf.section('.BTF.ext')!.data, btf, { object: 'edge.bpf.o' });
 * const lines = ext.lineInfo('xdp'); // four words each: instruction, file, line's text, line << 10 | column
 * lines[3]! >>> 10 > 0; // true
 * ```
 */
export class BtfExt {
  private constructor(
    private readonly functions: Records,
    private readonly lines: Records,
    private readonly relocations: Records,
  ) {}

  /**
   * Reads all records, with the record sizes that the file gives: of longer records the known part is kept.
   *
   * @throws BpfError BTF_MALFORMED when parts overlap the end, or a record names a type or string that is not there
   */
  static parse(bytes: Uint8Array, btf: Btf, options: { object?: string | undefined } = {}): BtfExt {
    const preamble = readPreamble(bytes, '.BTF.ext', options.object, HEADER_LENGTH);
    const read = (field: number, what: string, words: number, check: RecordCheck): Records =>
      new RecordReader(preamble.view, btf, readRange(preamble, field, what), what).read(words, check);
    return new BtfExt(
      read(8, 'function info', FUNC_INFO_WORDS, (words, at) => checkFunction(btf, words[at + 1]!)),
      read(16, 'line info', LINE_INFO_WORDS, (words, at) =>
        checkStrings(btf, words[at + 1]!, words[at + 2]!),
      ),
      hasCorePart(preamble)
        ? read(24, 'CO-RE relocations', CORE_RELOCATION_WORDS, (words, at) =>
            checkRelocation(btf, words[at + 1]!, words[at + 2]!),
          )
        : new Map(),
    );
  }

  /** Names of the ELF sections that anything is said about, sorted. */
  sections(): string[] {
    return [
      ...new Set([this.functions, this.lines, this.relocations].flatMap((map) => [...map.keys()])),
    ].sort();
  }

  /** `FUNC_INFO_WORDS` words a record; empty when there is none. */
  funcInfo(section: string): Uint32Array {
    return this.functions.get(section) ?? EMPTY;
  }

  /** `LINE_INFO_WORDS` words a record; empty when there is none. */
  lineInfo(section: string): Uint32Array {
    return this.lines.get(section) ?? EMPTY;
  }

  /** `CORE_RELOCATION_WORDS` words a record; empty when there is none. */
  coreRelocations(section: string): Uint32Array {
    return this.relocations.get(section) ?? EMPTY;
  }
}

function hasCorePart({ headerLength }: Preamble): boolean {
  return headerLength >= CORE_HEADER_LENGTH;
}

function checkFunction(btf: Btf, type: number): string | undefined {
  if (type > 0 && type < btf.endId && btf.kind(type) === BtfKind.FUNC) return undefined;
  return `type [${type}] is not a function`;
}

function checkStrings(btf: Btf, ...offsets: readonly number[]): string | undefined {
  const bad = offsets.find((offset) => offset >= btf.stringEnd);
  return bad === undefined
    ? undefined
    : `string offset ${bad} is outside the ${btf.stringEnd} bytes of strings`;
}

function checkRelocation(btf: Btf, type: number, access: number): string | undefined {
  if (type >= btf.endId) return `type [${type}] does not exist, the last one is [${btf.endId - 1}]`;
  return checkStrings(btf, access);
}

function concatenate(blocks: readonly Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(blocks.reduce((length, block) => length + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}

/** One part: the record size, then for each ELF section its name, a count and that many records. */
class RecordReader {
  constructor(
    private readonly view: ByteView,
    private readonly btf: Btf,
    private readonly range: Range,
    private readonly what: string,
  ) {}

  read(words: number, check: RecordCheck): Records {
    const { view, btf, range, what } = this;
    if (range.length === 0) return new Map();
    const blocks = new Map<string, Uint32Array[]>();
    const end = range.start + range.length;
    const size = this.word(range.start, end);
    if (size < 4 * words || size % 4 !== 0) {
      throw view.error(
        `${what}: a record of ${size} bytes; it has ${4 * words} or more, in whole words`,
        range.start,
      );
    }
    let at = range.start + 4;
    while (at < end) {
      const name = this.word(at, end);
      const problem = checkStrings(btf, name);
      if (problem !== undefined) throw view.error(`${what}: section name: ${problem}`, at);
      const count = this.word(at + 4, end);
      if (count * size > end - at - 8) {
        throw view.error(`${what}: ${count} records of ${size} bytes reach beyond its end`, at + 4);
      }
      const block = this.block(at + 8, count, size, words, check);
      const section = btf.string(name);
      const before = blocks.get(section);
      if (before) before.push(block);
      else blocks.set(section, [block]);
      at += 8 + count * size;
    }
    return new Map([...blocks].map(([section, list]) => [section, concatenate(list)]));
  }

  private block(start: number, count: number, size: number, words: number, check: RecordCheck): Uint32Array {
    const source = wordsOf(this.view.bytes, start, count * size, this.view.littleEndian);
    const block = new Uint32Array(count * words);
    for (let i = 0; i < count; i++) {
      const at = (i * size) / 4;
      const problem =
        source[at]! % 8 === 0 ? check(source, at) : `byte ${source[at]!} is not the start of an instruction`;
      if (problem !== undefined) throw this.view.error(`${this.what}: ${problem}`, start + i * size);
      block.set(source.subarray(at, at + words), i * words);
    }
    return block;
  }

  private word(at: number, end: number): number {
    if (at + 4 > end) throw this.view.error(`${this.what}: it ends in the middle of a record`, at);
    return this.view.u32(at);
  }
}
