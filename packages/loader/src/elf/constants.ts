/** Numbers of the ELF format that BPF objects and traced binaries use. Source: System V gABI, and `EM_BPF` of uapi/linux/elf-em.h. */

export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const EM_NONE = 0;
export const EM_X86_64 = 62;
export const EM_AARCH64 = 183;
export const EM_BPF = 247;

export const PT_LOAD = 1;
export const PF_X = 1;
export const PF_W = 2;

export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_LLVM_ADDRSIG = 0x6fff4c03;
/** Versions of symbols (Linux Standard Base, "Symbol Versioning"): those that are defined, and one for each symbol. */
export const SHT_GNU_VERDEF = 0x6ffffffd;
export const SHT_GNU_VERSYM = 0x6fffffff;

export const SHF_WRITE = 1;
export const SHF_ALLOC = 2;
export const SHF_EXECINSTR = 4;

export const SHN_UNDEF = 0;
/** From here on an index is a marker (`SHN_ABS`, `SHN_COMMON`), not a section. */
export const SHN_LORESERVE = 0xff00;
export const SHN_XINDEX = 0xffff;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
/** A function that chooses, when the program starts, which function its name stands for. */
export const STT_GNU_IFUNC = 10;

export const STV_DEFAULT = 0;
export const STV_INTERNAL = 1;
export const STV_HIDDEN = 2;

/** Names of `e_type`, for messages. */
export const fileTypes: Readonly<Record<number, string>> = {
  0: 'ET_NONE',
  1: 'ET_REL, a relocatable object',
  2: 'ET_EXEC, an executable',
  3: 'ET_DYN, a shared object or executable',
  4: 'ET_CORE, a core dump',
};

/** Names of the `e_machine` values that people compile for by mistake, for messages. */
export const machines: Readonly<Record<number, string>> = {
  2: 'EM_SPARC',
  3: 'EM_386 (32-bit x86)',
  8: 'EM_MIPS',
  20: 'EM_PPC',
  21: 'EM_PPC64',
  22: 'EM_S390',
  40: 'EM_ARM (32-bit Arm)',
  62: 'EM_X86_64 (x86-64)',
  183: 'EM_AARCH64 (64-bit Arm)',
  243: 'EM_RISCV',
  258: 'EM_LOONGARCH',
};
