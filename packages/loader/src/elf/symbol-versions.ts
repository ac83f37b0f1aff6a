import { type Binary } from './binary';
import { SHT_GNU_VERDEF, SHT_GNU_VERSYM } from './constants';
import { filePart } from './file-bytes';

/** The version of a symbol: `GLIBC_2.34`, and whether it is what programs that name none get. */
export interface SymbolVersion {
  readonly name: string;
  readonly isDefault: boolean;
}

/** VERSYM_HIDDEN: programs get the symbol only by its version. */
const HIDDEN = 0x8000;
/** Bytes of an `Elf64_Verdef`. */
const ENTRY = 20;
/** Those of C++'s standard library have some 20 bytes; entries could share one that is most of the file. */
const LONGEST_NAME = 1024;
/** The first index that stands for a version; those below it say that there is none. */
const FIRST = 2;

/**
 * The versions of the symbols in `.dynsym`, by their index.
 *
 * Source of the format: Linux Standard Base, "Symbol Versioning": `Elf64_Verdef` is version u16, flags u16, ndx u16,
 * cnt u16, hash u32, aux u32, next u32; `Elf64_Verdaux` is name u32, next u32; `.gnu.version` has a u16 a symbol.
 *
 * @returns a function from the index of a symbol to its version, which is undefined for one without
 * @throws BpfError ELF_MALFORMED
 */
export function symbolVersions(binary: Binary): (symbol: number) => SymbolVersion | undefined {
  const table = binary.sections.find(({ type }) => type === SHT_GNU_VERSYM);
  if (table === undefined) return () => undefined;
  const words = filePart(binary.file, table, binary.littleEndian, `section '${table.name}'`);
  const names = definedVersions(binary);
  return (symbol) => {
    if (2 * symbol + 2 > words.length) return undefined;
    const word = words.u16(2 * symbol);
    const index = word & ~HIDDEN;
    const name = index < FIRST ? undefined : names.get(index);
    return name === undefined ? undefined : { name, isDefault: (word & HIDDEN) === 0 };
  };
}

function definedVersions(binary: Binary): Map<number, string> {
  const found = new Map<number, string>();
  const section = binary.sections.find(({ type }) => type === SHT_GNU_VERDEF);
  const strings = section && binary.sections[section.link];
  if (section === undefined || strings === undefined) return found;
  const view = filePart(binary.file, section, binary.littleEndian, `section '${section.name}'`);
  const names = filePart(binary.file, strings, binary.littleEndian, `section '${strings.name}'`);
  // Each entry says how far the next one is: never backwards, so this ends.
  for (let at = 0; at < view.length;) {
    const index = view.u16(at + 4) & ~HIDDEN;
    const name = names.text(view.u32(at + view.u32(at + 12)));
    if (name.length > LONGEST_NAME)
      throw view.error(`the name of a version is ${name.length} bytes long`, at);
    found.set(index, name);
    const next = view.u32(at + 16);
    if (next === 0) break;
    if (next < ENTRY) throw view.error(`the next version begins ${next} bytes on, inside this one`, at + 16);
    at += next;
  }
  return found;
}
