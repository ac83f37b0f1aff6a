import { ByteView } from '../bytes';
import { BpfError } from '../errors';
import { EM_BPF, EM_NONE, ET_REL, fileTypes, machines, SHN_XINDEX } from './constants';
import { identify } from './identify';

/** Bytes of an `Elf64_Ehdr` and of an `Elf64_Shdr`. */
const FILE_HEADER = 64;
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

/**
 * Reads and checks an ELF file header: ELF64, a known byte order, a relocatable object for BPF (or for no machine,
 * as clang before version 4 wrote it), and a section table inside the file.
 *
 * @throws BpfError ELF_MALFORMED if this is no ELF file or is cut short, ELF_NOT_BPF if it is another kind of one
 */
export function readHeader(bytes: Uint8Array, object: string): FileHeader {
  if (bytes.length < 4 || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46)
    throw new BpfError('ELF_MALFORMED', `${object}: not an ELF file`, {
      object,
      offset: 0,
      found: identify(bytes),
      expected: 'a BPF object',
      hint: "compile the C file with 'clang -target bpf -O2 -g -c'",
    });
  if (bytes.length < FILE_HEADER) throw truncated(object, bytes.length, FILE_HEADER, 'the ELF header');
  if (bytes[4] !== 2)
    throw notBpf(object, bytes[4] === 1 ? 'a 32-bit ELF file' : `ELF class ${bytes[4]}`, 'ELF64');
  if (bytes[5] !== 1 && bytes[5] !== 2)
    throw new BpfError('ELF_MALFORMED', `${object}: unknown byte order in the ELF header`, {
      object,
      offset: 5,
      found: `${bytes[5]}`,
      expected: '1 (little endian) or 2 (big endian)',
    });
  const view = new ByteView(bytes, bytes[5] === 1, { code: 'ELF_MALFORMED', object });
  const type = view.u16(16);
  const machine = view.u16(18);
  if (machine !== EM_BPF && machine !== EM_NONE)
    throw notBpf(object, `an object for ${machines[machine] ?? `machine ${machine}`}`, 'EM_BPF (247)');
  if (type !== ET_REL)
    throw notBpf(object, fileTypes[type] ?? `ELF type ${type}`, 'ET_REL, what clang -c writes');
  return { view, type, machine, ...sectionTable(view, object) };
}

function sectionTable(view: ByteView, object: string) {
  const sectionOffset = view.size64(40, 'the offset of the section table');
  const entrySize = view.u16(58);
  let sectionCount = view.u16(60);
  let nameSection = view.u16(62);
  if (sectionOffset === 0) throw notBpf(object, 'no section table', 'one: the object was stripped of it');
  if (entrySize !== SECTION_HEADER)
    throw view.error(`section headers of ${entrySize} bytes, expected ${SECTION_HEADER}`, 58);
  if (sectionOffset + SECTION_HEADER > view.length)
    throw truncated(object, view.length, sectionOffset + SECTION_HEADER, 'the section table');
  // More sections than 16 bits count: the numbers are in the unused fields of the first section header.
  if (sectionCount === 0) sectionCount = view.size64(sectionOffset + 32, 'the number of sections');
  if (nameSection === SHN_XINDEX) nameSection = view.u32(sectionOffset + 40);
  const end = sectionOffset + sectionCount * SECTION_HEADER;
  if (end > view.length) throw truncated(object, view.length, end, `the table of ${sectionCount} sections`);
  return { sectionOffset, sectionCount, nameSection };
}

function notBpf(object: string, found: string, expected: string): BpfError {
  return new BpfError('ELF_NOT_BPF', `${object}: not a BPF object`, {
    object,
    found,
    expected,
    hint: "compile the C file with 'clang -target bpf -O2 -g -c'",
  });
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
