import { readSectionHeaders } from './binary';
import { type FileBytes, filePart } from './file-bytes';
import { FILE_HEADER, readIdentity, readSectionTable, SECTION_HEADER, type WantedFile } from './header';

const anyFile: WantedFile = {
  code: 'ELF_MALFORMED',
  kind: 'a 64-bit ELF file',
  hint: 'name a vmlinux, a module or an object',
};

/**
 * The bytes of a section of any ELF64 file, whatever it is for: a vmlinux, a kernel module, an object.
 *
 * @returns undefined where there is no such section
 * @throws BpfError ELF_MALFORMED for no ELF64 file, one cut short, or one whose headers point outside it
 *
 * @example
 * ```ts
 * sectionOf(bytesOfFile('edge.o', bytes), '.no_such_section'); // undefined
 * ```
 */
export function sectionOf(file: FileBytes, name: string): Uint8Array | undefined {
  const start = file.read(0, Math.min(file.size, FILE_HEADER));
  const { view } = readIdentity(start, file.name, anyFile);
  const { littleEndian } = view;
  const table = readSectionTable(view, file.name, file.size, (offset) =>
    filePart(file, { offset, size: SECTION_HEADER }, littleEndian, 'the first section header'),
  );
  if (table === undefined) return undefined;
  // Of a kernel, addresses are out of the range of exact numbers: only the name, the offset and the size are read.
  const { view: headers, names } = readSectionHeaders(file, littleEndian, table);
  for (let at = SECTION_HEADER; at < headers.length; at += SECTION_HEADER) {
    if (names.length === 0 || names.text(headers.u32(at)) !== name) continue;
    const offset = headers.size64(at + 24, `the offset of section ${name}`);
    const size = headers.size64(at + 32, `the size of section ${name}`);
    return filePart(file, { offset, size }, littleEndian, `section ${name}`).slice(0, size);
  }
  return undefined;
}
