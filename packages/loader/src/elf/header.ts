import { ByteView } from '../bytes';
import { BpfError, type ErrorCode } from '../errors';
import { EM_BPF, EM_NONE, ET_REL, fileTypes, machines, SHN_XINDEX } from './constants';
import { identify } from './identify';

/** Bytes of an `Elf64_Ehdr` and of an `Elf64_Shdr`. */
export const FILE_HEADER = 64;
export const SECTION_HEADER = 64;

/** What the file header says about where the section headers are. */
export interface FileHeader {
  readonly view: ByteView;
  readonly type: number;
  readonly machine: number;
  readonly sectionOffset: number;
  readonly sectionCount: number;
  /** Index of the section that holds the names of all sections. */
  readonly nameSection: number;
}

/** What a reader takes: for the error about a file of another kind. */
export interface WantedFile {
  /** Of the error for an ELF file of another kind. */
  readonly code: ErrorCode;
  /** Such as `a BPF object`: the subject of the message, and what no ELF file at all should have been. */
  readonly kind: string;
  readonly hint: string;
}

const bpfObject: WantedFile = {
  code: 'ELF_NOT_BPF',
  kind: 'a BPF object',
  hint: "compile the C file with 'clang -target bpf -O2 -g -c'",
};

/**
 * Reads what the first bytes of every ELF64 file say: byte order, type and machine.
 *
 * @param bytes the file, or its beginning
 * @throws BpfError ELF_MALFORMED if this is no ELF file or is cut short, the wanted file's code for another class
 */
export function readIdentity(
  bytes: Uint8Array,
  object: string,
  wanted: WantedFile,
): { readonly view: ByteView; readonly type: number; readonly machine: number } {
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46)
    throw new BpfError('ELF_MALFORMED', `${object}: not an ELF file`, {
      object,
      offset: 0,
      found: identify(bytes),
      expected: wanted.kind,
      hint: wanted.hint,
    });
  if (bytes.length < FILE_HEADER) throw truncated(object, bytes.length, FILE_HEADER, 'the ELF header');
  if (bytes[4] !== 2)
    throw notWanted(object, wanted, bytes[4] === 1 ? 'a 32-bit ELF file' : `ELF class ${bytes[4]}`, 'ELF64');
  if (bytes[5] !== 1 && bytes[5] !== 2)
    throw new BpfError('ELF_MALFORMED', `${object}: unknown byte order in the ELF header`, {
      object,
      offset: 5,
      found: `${bytes[5]}`,
      expected: '1 (little endian) or 2 (big endian)',
    });
  const view = new ByteView(bytes, bytes[5] === 1, { code: 'ELF_MALFORMED', object });
  return { view, type: view.u16(16), machine: view.u16(18) };
}

/**
 * Reads and checks the file header of a relocatable object for BPF (or for no machine, as clang before version 4 wrote
 * it): ELF64, a known byte order, and a section table inside the file.
 *
 * @throws BpfError ELF_MALFORMED if this is no ELF file or is cut short, ELF_NOT_BPF if it is another kind of one
 */
export function readHeader(bytes: Uint8Array, object: string): FileHeader {
  const { view, type, machine } = readIdentity(bytes, object, bpfObject);
  if (machine !== EM_BPF && machine !== EM_NONE)
    throw notBpf(object, `an object for ${machines[machine] ?? `machine ${machine}`}`, 'EM_BPF (247)');
  if (type !== ET_REL)
    throw notBpf(object, fileTypes[type] ?? `ELF type ${type}`, 'ET_REL, what clang -c writes');
  const table = readSectionTable(view, object, view.length, (offset) => viewAt(view, offset));
  if (table === undefined) throw notBpf(object, 'no section table', 'one: the object was stripped of it');
  return { view, type, machine, ...table };
}

/** Where the section headers of a file are. */
export type SectionTable = Pick<FileHeader, 'sectionOffset' | 'sectionCount' | 'nameSection'>;

/**
 * Reads from the ELF header where the section table is, and checks that the file holds it.
 *
 * @param fileSize of the whole file, of which `header` may be the beginning alone
 * @param firstSection a view of the first section header, which is at this offset
 * @returns undefined if there is none
 */
export function readSectionTable(
  header: ByteView,
  object: string,
  fileSize: number,
  firstSection: (offset: number) => ByteView,
): SectionTable | undefined {
  const sectionOffset = header.size64(40, 'the offset of the section table');
  const entrySize = header.u16(58);
  let sectionCount = header.u16(60);
  let nameSection = header.u16(62);
  if (sectionOffset === 0) return undefined;
  if (entrySize !== SECTION_HEADER)
    throw header.error(`section headers of ${entrySize} bytes, expected ${SECTION_HEADER}`, 58);
  if (sectionOffset + SECTION_HEADER > fileSize)
    throw truncated(object, fileSize, sectionOffset + SECTION_HEADER, 'the section table');
  // More sections than 16 bits count: the numbers are in the unused fields of the first section header.
  if (sectionCount === 0) sectionCount = firstSection(sectionOffset).size64(32, 'the number of sections');
  if (nameSection === SHN_XINDEX) nameSection = firstSection(sectionOffset).u32(40);
  const end = sectionOffset + sectionCount * SECTION_HEADER;
  if (end > fileSize) throw truncated(object, fileSize, end, `the table of ${sectionCount} sections`);
  return { sectionOffset, sectionCount, nameSection };
}

function viewAt(view: ByteView, offset: number): ByteView {
  return new ByteView(view.slice(offset, SECTION_HEADER), view.littleEndian, view.source);
}

function notBpf(object: string, found: string, expected: string): BpfError {
  return notWanted(object, bpfObject, found, expected);
}

/** The error for an ELF file of another kind. */
export function notWanted(object: string, wanted: WantedFile, found: string, expected: string): BpfError {
  const { code, kind, hint } = wanted;
  return new BpfError(code, `${object}: not ${kind}`, { object, found, expected, hint });
}

function truncated(object: string, length: number, needed: number, what: string): BpfError {
  return new BpfError('ELF_MALFORMED', `${object}: the file is cut short`, {
    object,
    offset: length,
    found: `${length} bytes`,
    expected: `at least ${needed} for ${what}`,
    hint: 'compile or copy it again',
  });
}
