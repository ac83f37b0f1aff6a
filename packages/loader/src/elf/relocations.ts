import { type ByteView } from '../bytes';
import { SHT_RELA } from './constants';
import { type ElfSection } from './section';
import { type SymbolTable } from './symbol-table';

/**
 * A view of the relocations of one section, in file order. Offsets lie inside the section and symbols inside the
 * symbol table: both are checked when the view is made.
 */
export class Relocations {
  readonly count: number;
  private readonly view: ByteView | undefined;
  private readonly entry: number;

  /**
   * @param table the `SHT_REL` or `SHT_RELA` section, undefined for a section without relocations
   * @throws BpfError ELF_MALFORMED with section and offset of what points outside
   */
  constructor(
    table: ElfSection | undefined,
    view: ByteView | undefined,
    target: ElfSection,
    symbols: SymbolTable,
  ) {
    this.entry = table?.type === SHT_RELA ? 24 : 16;
    this.view = view;
    this.count = 0;
    if (table === undefined || view === undefined) return;
    if (table.entrySize !== this.entry)
      throw view.error(`relocations of ${table.entrySize} bytes, expected ${this.entry}`, 0);
    if (table.size % this.entry !== 0)
      throw view.error(`its size of ${table.size} bytes is no multiple of ${this.entry}`, table.size);
    if (table.link !== symbols.sectionIndex)
      throw view.error(`it refers to section ${table.link}, which is not the symbol table`, 0);
    this.count = table.size / this.entry;
    for (let i = 0; i < this.count; i++) {
      if (this.offset(i) >= target.size)
        throw view.error(
          `relocation ${i} is for byte ${this.offset(i)} of section '${target.name}', which has ${target.size}`,
          i * this.entry,
        );
      if (this.symbol(i) >= symbols.count)
        throw view.error(
          `relocation ${i} is against symbol ${this.symbol(i)} of ${symbols.count}`,
          i * this.entry + 8,
        );
    }
  }

  /** Bytes into the section that is relocated. */
  offset(i: number): number {
    return this.at.size64(i * this.entry, 'the offset of a relocation');
  }

  /** `R_BPF_*`: 1 is R_BPF_64_64, 2 R_BPF_64_ABS64, 3 R_BPF_64_ABS32, 4 R_BPF_64_NODYLD32, 10 R_BPF_64_32. */
  type(i: number): number {
    return this.at.u32(i * this.entry + (this.at.littleEndian ? 8 : 12));
  }

  /** Index in the symbol table. */
  symbol(i: number): number {
    return this.at.u32(i * this.entry + (this.at.littleEndian ? 12 : 8));
  }

  /** The addend of a `SHT_RELA` section; 0 in `SHT_REL`, where the addend is in the relocated bytes. */
  addend(i: number): bigint {
    return this.entry === 24 ? BigInt.asIntN(64, this.at.u64(i * this.entry + 16)) : 0n;
  }

  private get at(): ByteView {
    if (this.view === undefined) throw new RangeError('a section without relocations was asked for one');
    return this.view;
  }
}
