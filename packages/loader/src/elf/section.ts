/** One section of an ELF file: its header, and a view (not a copy) of its bytes. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** `SHT_*`. */
  readonly type: number;
  /** `SHF_*`: only the low 32 bits, which hold every flag that BPF objects use. */
  readonly flags: number;
  readonly link: number;
  readonly info: number;
  /** In bytes; for `SHT_NOBITS` what it takes in memory, not in the file. */
  readonly size: number;
  readonly entrySize: number;
  readonly alignment: number;
  /** Empty for `SHT_NOBITS`. */
  readonly data: Uint8Array;
}
