import { ByteView } from '../bytes';
import { BpfError } from '../errors';
import { SHT_NOBITS, SHT_REL, SHT_RELA, SHT_SYMTAB } from './constants';
import { readHeader, SECTION_HEADER, type FileHeader } from './header';
import { Relocations } from './relocations';
import { type ElfSection } from './section';
import { SymbolTable } from './symbol-table';

/**
 * A relocatable ELF64 file for BPF, in either byte order. Sections are views of the file's bytes, so reading one
 * costs time and memory in proportion to the number of sections and symbols, not to their size.
 *
 * Source of the format: the System V gABI ("Object Files").
 *
 * @example
 * ```ts
 * const elf = ElfFile.parse(readFileSync('edge.bpf.o'), { object: 'edge.bpf.o' });
 * elf.section('license')?.data; // the bytes of "GPL\0"
 * const text = elf.section('xdp');
 * if (text) elf.relocations(text).count;
 * ```
 */
export class ElfFile {
  private readonly byName = new Map<string, ElfSection>();
  private readonly checkedRelocations = new Map<number, Relocations>();

  private constructor(
    /** Name of the object, for messages. */
    readonly object: string,
    readonly littleEndian: boolean,
    /** `EM_BPF` or `EM_NONE`. */
    readonly machine: number,
    /** `ET_REL`. */
    readonly type: number,
    /** By index; section 0 is the null section. */
    readonly sections: readonly ElfSection[],
    readonly symbols: SymbolTable,
    private readonly relocationSections: ReadonlyMap<number, ElfSection>,
  ) {
    for (const section of sections.slice(1)) {
      if (!this.byName.has(section.name)) this.byName.set(section.name, section);
    }
  }

  /**
   * @param bytes the whole file; kept and referred to, not copied
   * @param options.object what messages call the file
   * @throws BpfError ELF_MALFORMED for no ELF file, one cut short, or one whose headers or symbols point outside it;
   *   ELF_NOT_BPF for an ELF file of another kind, or one stripped of its symbol table
   */
  static parse(bytes: Uint8Array, options: { object: string }): ElfFile {
    const { object } = options;
    const header = readHeader(bytes, object);
    const sections = readSections(header);
    const table = sections.find((section) => section.type === SHT_SYMTAB);
    if (table === undefined)
      throw new BpfError('ELF_NOT_BPF', `${object}: no symbol table`, {
        object,
        found: 'an object that was stripped of it',
        expected: 'an object as clang -c writes it',
        hint: "to drop debug info and keep what is needed, use 'llvm-strip -g'",
      });
    const symbols = new SymbolTable(table, sections, viewOf(table, header.view, object));
    const { littleEndian } = header.view;
    return new ElfFile(
      object,
      littleEndian,
      header.machine,
      header.type,
      sections,
      symbols,
      relocationsByTarget(sections, header.view),
    );
  }

  /** The first section with a name, if there is one. */
  section(name: string): ElfSection | undefined {
    return this.byName.get(name);
  }

  /** A checked reader over a section's bytes, in the file's byte order. */
  view(section: ElfSection): ByteView {
    return new ByteView(section.data, this.littleEndian, {
      code: 'ELF_MALFORMED',
      object: this.object,
      section: section.name,
    });
  }

  /**
   * The relocations that apply to a section; none is an empty view.
   *
   * @throws BpfError ELF_MALFORMED with section and offset of a relocation that points outside
   */
  relocations(section: ElfSection): Relocations {
    let relocations = this.checkedRelocations.get(section.index);
    if (relocations === undefined) {
      const table = this.relocationSections.get(section.index);
      relocations = new Relocations(table, table && this.view(table), section, this.symbols);
      this.checkedRelocations.set(section.index, relocations);
    }
    return relocations;
  }
}

function viewOf(section: ElfSection, file: ByteView, object: string): ByteView {
  const source = { code: 'ELF_MALFORMED', object, section: section.name } as const;
  return new ByteView(section.data, file.littleEndian, source);
}

/** Reads all section headers. Section data may overlap: that is unusual, but harms nobody who only reads. */
function readSections({ view, sectionOffset, sectionCount, nameSection }: FileHeader): ElfSection[] {
  const none: ElfSection = {
    index: 0,
    name: '',
    type: 0,
    flags: 0,
    link: 0,
    info: 0,
    size: 0,
    entrySize: 0,
    alignment: 0,
    data: new Uint8Array(),
  };
  const names = nameTable(view, sectionOffset, sectionCount, nameSection);
  const sections = [none];
  for (let index = 1; index < sectionCount; index++) {
    const at = sectionOffset + index * SECTION_HEADER;
    const name = names.text(view.u32(at));
    const type = view.u32(at + 4);
    const size = view.size64(at + 32, `the size of section '${name}'`);
    sections.push({
      index,
      name,
      type,
      flags: Number(view.u64(at + 8) & 0xffffffffn),
      link: view.u32(at + 40),
      info: view.u32(at + 44),
      size,
      entrySize: view.size64(at + 56, `the entry size of section '${name}'`),
      alignment: view.size64(at + 48, `the alignment of section '${name}'`),
      data: type === SHT_NOBITS ? new Uint8Array() : contents(view, at, name, size),
    });
  }
  return sections;
}

function contents(view: ByteView, header: number, name: string, size: number): Uint8Array {
  const offset = view.size64(header + 24, `the offset of section '${name}'`);
  if (size === 0) return new Uint8Array();
  if (offset + size > view.length)
    throw view.error(
      `section '${name}' has bytes ${offset} to ${offset + size}, but the file ends at ${view.length}`,
      header + 24,
    );
  return view.slice(offset, size);
}

/** A view of the section that holds section names. */
function nameTable(view: ByteView, table: number, count: number, index: number): ByteView {
  if (index === 0 || index >= count)
    throw view.error(`the names of sections are in section ${index} of ${count}`, 62);
  const at = table + index * SECTION_HEADER;
  const size = view.size64(at + 32, 'the size of the section names');
  const bytes = contents(view, at, '.shstrtab', size);
  return new ByteView(bytes, view.littleEndian, { ...view.source, section: '.shstrtab' });
}

function relocationsByTarget(sections: readonly ElfSection[], view: ByteView): Map<number, ElfSection> {
  const found = new Map<number, ElfSection>();
  for (const section of sections) {
    if (section.type !== SHT_REL && section.type !== SHT_RELA) continue;
    const other = found.get(section.info);
    if (other)
      throw view.error(
        `sections '${other.name}' and '${section.name}' both relocate section ${section.info}`,
        0,
      );
    found.set(section.info, section);
  }
  return found;
}
