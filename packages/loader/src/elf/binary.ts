import { type ByteView } from '../bytes';
import { BpfError } from '../errors';
import { ET_DYN, ET_EXEC, fileTypes, PF_W, PF_X, PT_LOAD, SHT_DYNSYM, SHT_SYMTAB } from './constants';
import {
  FILE_HEADER,
  notWanted,
  readIdentity,
  readSectionTable,
  SECTION_HEADER,
  type WantedFile,
} from './header';
import { type FileBytes, filePart } from './file-bytes';

/** Bytes of an `Elf64_Phdr`: type u32, flags u32, offset, vaddr, paddr, filesz, memsz, align u64. */
const PROGRAM_HEADER = 56;

const userBinary: WantedFile = {
  code: 'BINARY_UNSUPPORTED',
  kind: 'a binary that can be traced',
  hint: 'name a 64-bit executable or shared object',
};

/** A part of the file that is mapped into memory when the binary runs: a program header of type PT_LOAD. */
export interface Segment {
  readonly executable: boolean;
  readonly writable: boolean;
  readonly offset: number;
  readonly address: number;
  /** Bytes of the file that are mapped. */
  readonly fileSize: number;
}

/** A section header of a binary; its bytes are in the file. */
export interface BinarySection {
  readonly index: number;
  readonly name: string;
  /** `SHT_*`. */
  readonly type: number;
  /** Where it is in memory, before the binary is moved to where it runs. */
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

/**
 * An executable or a shared object for user space, in either byte order, read by parts: of a file of hundreds of
 * megabytes only its headers, and of its tables one block at a time. Everything that the file says of places is
 * checked against its size.
 *
 * Source of the format: the System V gABI ("Object Files").
 *
 * @example
 * ```ts
 * const binary = Binary.read(bytesOfFile('/bin/true', readFileSync('/bin/true')));
 * binary.segments.some((segment) => segment.executable); // true
 * ```
 */
export class Binary {
  private constructor(
    readonly file: FileBytes,
    readonly littleEndian: boolean,
    /** `ET_EXEC` for one that is not moved when it is run, else `ET_DYN`. */
    readonly type: number,
    /** `EM_*`. */
    readonly machine: number,
    /** In the order of the file. */
    readonly segments: readonly Segment[],
    /** By index; empty in a file that was stripped of them. */
    readonly sections: readonly BinarySection[],
  ) {}

  /**
   * @throws BpfError ELF_MALFORMED for no ELF file, one cut short, or one whose headers point outside it;
   *   BINARY_UNSUPPORTED for a 32-bit one, or an ELF file that cannot run or be loaded
   */
  static read(file: FileBytes): Binary {
    const start = file.read(0, Math.min(file.size, FILE_HEADER));
    const { view, type, machine } = readIdentity(start, file.name, userBinary);
    if (type !== ET_EXEC && type !== ET_DYN)
      throw notWanted(
        file.name,
        userBinary,
        fileTypes[type] ?? `ELF type ${type}`,
        'an executable or a shared object',
      );
    const { littleEndian } = view;
    const segments = readSegments(file, littleEndian, {
      offset: view.size64(32, 'the offset of the program headers'),
      entrySize: view.u16(54),
      count: view.u16(56),
    });
    const table = readSectionTable(view, file.name, file.size, (offset) =>
      filePart(file, { offset, size: SECTION_HEADER }, littleEndian, 'the first section header'),
    );
    const sections = table === undefined ? [] : readSections(file, littleEndian, table);
    return new Binary(file, littleEndian, type, machine, segments, sections);
  }

  section(name: string): BinarySection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** Sections that hold symbols: all of them, and those that other binaries see. */
  get symbolTables(): readonly BinarySection[] {
    return this.sections.filter(({ type }) => type === SHT_SYMTAB || type === SHT_DYNSYM);
  }

  /**
   * Where in the file a byte of memory comes from, by the program headers.
   *
   * @param address before the binary is moved to where it runs, as symbols have it
   * @returns undefined where no segment that can be executed (or written) has the address
   */
  fileOffset(address: number, kind: 'executable' | 'writable' = 'executable'): number | undefined {
    const segment = this.segments.find(
      (each) => each[kind] && address >= each.address && address < each.address + each.fileSize,
    );
    return segment && address - segment.address + segment.offset;
  }
}

interface HeaderTable {
  readonly offset: number;
  readonly entrySize: number;
  readonly count: number;
}

function readSegments(file: FileBytes, littleEndian: boolean, table: HeaderTable): Segment[] {
  const { offset, entrySize, count } = table;
  if (count === 0) return [];
  if (entrySize !== PROGRAM_HEADER)
    throw new BpfError('ELF_MALFORMED', `${file.name}: program headers of ${entrySize} bytes`, {
      object: file.name,
      offset: 54,
      expected: `${PROGRAM_HEADER}`,
    });
  const view = filePart(file, { offset, size: count * PROGRAM_HEADER }, littleEndian, 'the program headers');
  const segments: Segment[] = [];
  for (let at = 0; at < view.length; at += PROGRAM_HEADER) {
    if (view.u32(at) !== PT_LOAD) continue;
    const flags = view.u32(at + 4);
    const segment = {
      executable: (flags & PF_X) !== 0,
      writable: (flags & PF_W) !== 0,
      offset: view.size64(at + 8, 'the offset of a segment'),
      address: view.size64(at + 16, 'the address of a segment'),
      fileSize: view.size64(at + 32, 'the size of a segment'),
    };
    if (segment.offset + segment.fileSize > file.size)
      throw view.error(
        `a segment has bytes ${segment.offset} to ${segment.offset + segment.fileSize}, but the file ends at ${file.size}`,
        at + 8,
      );
    segments.push(segment);
  }
  return segments;
}

interface Table {
  readonly sectionOffset: number;
  readonly sectionCount: number;
  readonly nameSection: number;
}

/** The section table and the names of the sections, both checked to be inside the file. */
export function readSectionHeaders(
  file: FileBytes,
  littleEndian: boolean,
  table: Table,
): { readonly view: ByteView; readonly names: ByteView } {
  const { sectionOffset, sectionCount, nameSection } = table;
  const size = sectionCount * SECTION_HEADER;
  const view = filePart(file, { offset: sectionOffset, size }, littleEndian, 'the section table');
  if (nameSection >= sectionCount && sectionCount > 0)
    throw view.error(`the names of sections are in section ${nameSection} of ${sectionCount}`, 0);
  const nameHeader = nameSection * SECTION_HEADER;
  const names = filePart(
    file,
    nameSection === 0
      ? { offset: 0, size: 0 }
      : {
          offset: view.size64(nameHeader + 24, 'the offset of the section names'),
          size: view.size64(nameHeader + 32, 'the size of the section names'),
        },
    littleEndian,
    'the section names',
  );
  return { view, names };
}

function readSections(file: FileBytes, littleEndian: boolean, table: Table): BinarySection[] {
  const { view, names } = readSectionHeaders(file, littleEndian, table);
  const sections: BinarySection[] = [];
  for (let at = 0; at < view.length; at += SECTION_HEADER) {
    const index = at / SECTION_HEADER;
    sections.push({
      index,
      name: index === 0 || names.length === 0 ? '' : names.text(view.u32(at)),
      type: view.u32(at + 4),
      address: view.size64(at + 16, `the address of section ${index}`),
      offset: view.size64(at + 24, `the offset of section ${index}`),
      size: view.size64(at + 32, `the size of section ${index}`),
      link: view.u32(at + 40),
      info: view.u32(at + 44),
    });
  }
  return sections;
}
