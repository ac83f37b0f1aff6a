import { type ByteView, decodeText } from '../bytes';
import { type BpfError } from '../errors';
import { SHN_LORESERVE, STT_FUNC, STT_OBJECT, STT_SECTION } from './constants';
import { type ElfSection } from './section';

/** Bytes of an `Elf64_Sym`: name u32, info u8, other u8, shndx u16, value u64, size u64. */
const ENTRY = 24;

/**
 * A view of the symbols of an ELF file, by index; index 0 is the null symbol. Everything is checked when the view is
 * made, so the accessors cannot fail for an index below `count`.
 */
export class SymbolTable {
  readonly count: number;
  /** Index of the section that holds the table: what relocation sections link to. */
  readonly sectionIndex: number;
  private readonly view: ByteView;
  private readonly sections: readonly ElfSection[];
  private readonly strings: Uint8Array;

  /** @throws BpfError ELF_MALFORMED with section and offset of what points outside the file */
  constructor(table: ElfSection, sections: readonly ElfSection[], view: ByteView) {
    this.view = view;
    this.sections = sections;
    this.sectionIndex = table.index;
    if (table.entrySize !== ENTRY)
      throw view.error(`symbols of ${table.entrySize} bytes, expected ${ENTRY}`, 0);
    if (table.size % ENTRY !== 0)
      throw view.error(`its size of ${table.size} bytes is no multiple of ${ENTRY}`, table.size);
    const strings = sections[table.link];
    if (strings === undefined) throw view.error(`its names are in section ${table.link}, which is none`, 0);
    this.strings = strings.data;
    this.count = table.size / ENTRY;
    for (let i = 0; i < this.count; i++) this.check(i);
  }

  /** A section symbol has no name of its own: it gets its section's. */
  name(i: number): string {
    const start = this.view.u32(i * ENTRY);
    if (start === 0 && this.type(i) === STT_SECTION) return this.sections[this.section(i)]?.name ?? '';
    return decodeText(this.strings, start, this.strings.indexOf(0, start));
  }

  /** Bytes into the section. */
  value(i: number): number {
    return this.view.size64(i * ENTRY + 8, 'the value of a symbol');
  }

  size(i: number): number {
    return this.view.size64(i * ENTRY + 16, 'the size of a symbol');
  }

  /** `STT_*`. */
  type(i: number): number {
    return this.view.u8(i * ENTRY + 4) & 15;
  }

  /** `STB_*`. */
  binding(i: number): number {
    return this.view.u8(i * ENTRY + 4) >> 4;
  }

  /** `STV_*`. */
  visibility(i: number): number {
    return this.view.u8(i * ENTRY + 5) & 3;
  }

  /** Index of the section, 0 if undefined here, `SHN_LORESERVE` or more for what is in no section. */
  section(i: number): number {
    return this.view.u16(i * ENTRY + 6);
  }

  private check(i: number): void {
    const at = i * ENTRY;
    const name = this.view.u32(at);
    const empty = name === 0 && this.strings.length === 0;
    if (!empty && (name >= this.strings.length || this.strings.indexOf(0, name) < 0))
      throw this.view.error(`the name of symbol ${i} is outside the string table`, at);
    const value = this.value(i);
    const size = this.size(i);
    const index = this.section(i);
    if (index >= SHN_LORESERVE) return;
    const section = this.sections[index];
    if (section === undefined) throw this.outside(i, `is in section ${index}, which does not exist`, at + 6);
    const type = this.type(i);
    if (index !== 0 && (type === STT_FUNC || type === STT_OBJECT) && value + size > section.size)
      throw this.outside(
        i,
        `covers bytes ${value} to ${value + size} of section '${section.name}', which has ${section.size}`,
        at + 8,
      );
  }

  private outside(i: number, what: string, offset: number): BpfError {
    return this.view.error(`symbol ${i} '${this.name(i)}' ${what}`, offset);
  }
}
