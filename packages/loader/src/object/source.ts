import { Btf, BtfExt } from '../btf';
import { type ElfFile, type ElfSection } from '../elf';
import { BpfError, type ErrorCode, type ErrorFields } from '../errors';
import { sectionRole, type SectionRole } from './section-role';
import { type ObjectSymbols, readSymbols } from './symbols';

/** An object file taken apart: what every step of reading it looks at. */
export interface ObjectSource {
  readonly name: string;
  readonly elf: ElfFile;
  /** By index of the section. */
  readonly roles: readonly (SectionRole | undefined)[];
  readonly symbols: ObjectSymbols;
  /** As in the file until `fixDatasecs`: the compiler does not know sizes and offsets of data sections. */
  readonly btf: Btf | undefined;
  readonly ext: BtfExt | undefined;
}

/** Takes a file apart. @throws BpfError BTF_MALFORMED */
export function readSource(elf: ElfFile, name: string): ObjectSource {
  const types = bytesOf(elf, '.BTF');
  const extra = bytesOf(elf, '.BTF.ext');
  const btf = types && Btf.parse(types, { object: name });
  return {
    name,
    elf,
    roles: elf.sections.map(sectionRole),
    symbols: readSymbols(elf),
    btf,
    ext: btf && extra && BtfExt.parse(extra, btf, { object: name }),
  };
}

/** The sections of a role, in the order of the file. */
export function sectionsOf(source: ObjectSource, ...roles: readonly SectionRole[]): ElfSection[] {
  return source.elf.sections.filter(({ index }) => {
    const role = source.roles[index];
    return role !== undefined && roles.includes(role);
  });
}

/** An error about a part of the object, which its text names first. */
export function objectError(
  { name }: { readonly name: string },
  code: ErrorCode,
  what: string,
  fields: ErrorFields,
): BpfError {
  return new BpfError(code, `${name}: ${what}`, { object: name, ...fields });
}

function bytesOf(elf: ElfFile, name: string): Uint8Array | undefined {
  const section = elf.section(name);
  return section === undefined || section.data.length === 0 ? undefined : section.data;
}
