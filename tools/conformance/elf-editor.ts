import { type ElfFile, type ElfSection } from '../../packages/loader/src/elf';

/** Where `e_shoff` is in `Elf64_Ehdr`, and fields in `Elf64_Shdr` and `Elf64_Sym` (System V gABI). */
const SECTION_TABLE = 40;
const SECTION = { size: 64, flags: 8, offset: 24, length: 32 };
const SYMBOL = { size: 24, info: 4 };

/** A copy of a little-endian object in which some things are changed where they are: no section grows or moves. */
export class ElfEditor {
  readonly bytes: Buffer;

  constructor(
    object: Buffer,
    private readonly elf: ElfFile,
  ) {
    this.bytes = Buffer.from(object);
  }

  setFlags(section: ElfSection, flags: number): void {
    this.bytes.writeBigUInt64LE(BigInt(flags), this.header(section) + SECTION.flags);
  }

  /** @throws Error where there are more bytes than the section has */
  setContents(section: ElfSection, contents: Uint8Array): void {
    if (contents.length > section.size) throw new Error(`section '${section.name}' cannot grow`);
    this.bytes.set(contents, this.start(section));
    this.bytes.writeBigUInt64LE(BigInt(contents.length), this.header(section) + SECTION.length);
  }

  /** Leaves only some of a table's entries, by index. */
  keepEntries(section: ElfSection, indices: readonly number[]): void {
    const { data, entrySize } = section;
    const kept = indices.map((i) => data.subarray(i * entrySize, (i + 1) * entrySize));
    this.setContents(section, Buffer.concat(kept));
  }

  /** @param binding of `STB_*` */
  setBinding(symbol: number, binding: number): void {
    const table = this.elf.sections[this.elf.symbols.sectionIndex]!;
    const at = this.start(table) + symbol * SYMBOL.size + SYMBOL.info;
    this.bytes.writeUInt8((binding << 4) | (this.bytes.readUInt8(at) & 0xf), at);
  }

  private header(section: ElfSection): number {
    return Number(this.bytes.readBigUInt64LE(SECTION_TABLE)) + section.index * SECTION.size;
  }

  private start(section: ElfSection): number {
    return Number(this.bytes.readBigUInt64LE(this.header(section) + SECTION.offset));
  }
}
