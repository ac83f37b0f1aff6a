import { BpfError, ElfFile } from '@nx-bpf/loader';

/** ELF64 file header, section header, symbol and relocation: sizes and fields as in the System V gABI. */
const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const SHT_SYMTAB = 2;
const SHT_RELA = 4;
const SHT_NOBITS = 8;
const SHT_REL = 9;
const SHN_LORESERVE = 0xff00;
/** A page: nothing in an object needs more. */
const MOST_ALIGNMENT = 4096n;

/** DWARF, and the list of address-significant symbols, whose symbol numbers would be wrong afterwards. */
const unwanted = /^(\.rela?)?\.debug_|^\.llvm_addrsig$/;

interface Section {
  /** The 64 bytes of its header, which are changed in place. */
  readonly header: DataView;
  readonly index: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/**
 * A BPF object without DWARF: debug sections, their relocations and their section symbols are left out and everything
 * is renumbered; BTF, line info and symbols stay. It does what `llvm-strip -g` does, for machines that have clang
 * without the rest of LLVM, and most of an object's size goes away with it.
 *
 * @param file a relocatable object as clang wrote it, of either byte order
 * @returns a new file, with the same contents for the same object
 * @throws BpfError ELF_MALFORMED if the bytes are no such object
 */
export function stripDebug(file: Uint8Array, object: string): Uint8Array {
  // A copy, and no Buffer: `slice` of a Buffer is a view of the same memory.
  const bytes = new Uint8Array(file);
  const elf = ElfFile.parse(bytes, { object });
  const little = elf.littleEndian;
  const view = viewOf(bytes);
  const table = Number(view.getBigUint64(40, little));
  const kept = elf.sections
    .filter(({ name }) => !unwanted.test(name))
    .map(({ index, type, data }): Section => {
      const start = table + index * SECTION_HEADER_SIZE;
      const header = new DataView(bytes.slice(start, start + SECTION_HEADER_SIZE).buffer);
      return { header, index, type, data: data.slice() };
    });
  const sectionNumbers = new Map(kept.map(({ index }, position) => [index, position]));
  const symbols = kept.find(({ type }) => type === SHT_SYMTAB);
  const symbolNumbers =
    symbols === undefined ? new Map<number, number>() : numberSymbols(symbols, sectionNumbers, little);

  const contents = kept.map((section) => {
    const { header, type, data } = section;
    const link = header.getUint32(40, little);
    header.setUint32(40, sectionNumbers.get(link) ?? 0, little);
    if (section === symbols) return renumberSymbols(section, symbolNumbers, sectionNumbers, little);
    if (type === SHT_REL || type === SHT_RELA) {
      header.setUint32(44, sectionNumbers.get(header.getUint32(44, little)) ?? 0, little);
      renumberRelocations(section, symbolNumbers, little, object);
    }
    return data;
  });
  for (const { header } of kept) checkAlignment(header, little, object);
  return assemble(bytes, view, kept, contents, sectionNumbers, little);
}

/** What is aligned to a huge number would lie behind as many bytes of nothing. */
function checkAlignment(header: DataView, little: boolean, object: string): void {
  const alignment = header.getBigUint64(48, little);
  if (alignment > MOST_ALIGNMENT)
    throw malformed(object, `a section is aligned to ${alignment} bytes, expected at most ${MOST_ALIGNMENT}`);
}

function malformed(object: string, what: string): BpfError {
  return new BpfError('ELF_MALFORMED', `${object}: ${what}`, { object });
}

/** New numbers of the symbols that stay: those of sections that go are only for DWARF. */
function numberSymbols(
  { data }: Section,
  sections: ReadonlyMap<number, number>,
  little: boolean,
): Map<number, number> {
  const view = viewOf(data);
  const numbers = new Map<number, number>();
  for (let i = 0; i < data.length / SYMBOL_SIZE; i++) {
    const section = view.getUint16(i * SYMBOL_SIZE + 6, little);
    if (section >= SHN_LORESERVE || sections.has(section)) numbers.set(i, numbers.size);
  }
  return numbers;
}

function renumberSymbols(
  { header, data }: Section,
  symbols: ReadonlyMap<number, number>,
  sections: ReadonlyMap<number, number>,
  little: boolean,
): Uint8Array {
  const result = new Uint8Array(symbols.size * SYMBOL_SIZE);
  const view = viewOf(result);
  const firstGlobal = header.getUint32(44, little);
  let locals = 0;
  for (const [before, after] of symbols) {
    const at = after * SYMBOL_SIZE;
    result.set(data.subarray(before * SYMBOL_SIZE, (before + 1) * SYMBOL_SIZE), at);
    const section = view.getUint16(at + 6, little);
    if (section < SHN_LORESERVE) view.setUint16(at + 6, sections.get(section)!, little);
    if (before < firstGlobal) locals++;
  }
  header.setUint32(44, locals, little);
  return result;
}

function renumberRelocations(
  { data, type }: Section,
  symbols: ReadonlyMap<number, number>,
  little: boolean,
  object: string,
): void {
  const view = viewOf(data);
  const size = type === SHT_RELA ? 24 : 16;
  if (data.length % size !== 0)
    throw malformed(
      object,
      `a section of relocations has ${data.length} bytes, which is no multiple of ${size}`,
    );
  for (let at = 0; at < data.length; at += size) {
    // r_info: the symbol in the upper 32 bits, the type in the lower.
    const info = view.getBigUint64(at + 8, little);
    const symbol = symbols.get(Number(info >> 32n));
    if (symbol === undefined)
      throw malformed(object, 'a relocation of code refers to a symbol of debug information');
    view.setBigUint64(at + 8, (BigInt(symbol) << 32n) | (info & 0xffffffffn), little);
  }
}

/** File header, contents with their alignment, section headers. */
function assemble(
  bytes: Uint8Array,
  view: DataView,
  kept: readonly Section[],
  contents: readonly Uint8Array[],
  sections: ReadonlyMap<number, number>,
  little: boolean,
): Uint8Array {
  let end = HEADER_SIZE;
  const places = kept.map(({ header, type }, i) => {
    const alignment = Math.max(1, Number(header.getBigUint64(48, little)));
    const place = i === 0 ? 0 : Math.ceil(end / alignment) * alignment;
    if (type !== SHT_NOBITS) end = Math.max(end, place + contents[i]!.length);
    header.setBigUint64(24, BigInt(place), little);
    if (type !== SHT_NOBITS && i > 0) header.setBigUint64(32, BigInt(contents[i]!.length), little);
    return place;
  });
  const table = Math.ceil(end / 8) * 8;
  const result = new Uint8Array(table + kept.length * SECTION_HEADER_SIZE);
  result.set(bytes.subarray(0, HEADER_SIZE));
  kept.forEach(({ header, type }, i) => {
    if (type !== SHT_NOBITS) result.set(contents[i]!, places[i]!);
    result.set(new Uint8Array(header.buffer), table + i * SECTION_HEADER_SIZE);
  });
  const out = viewOf(result);
  out.setBigUint64(40, BigInt(table), little);
  out.setUint16(60, kept.length, little);
  out.setUint16(62, sections.get(view.getUint16(62, little)) ?? 0, little);
  return result;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
