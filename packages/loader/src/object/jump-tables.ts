import { ByteView } from '../bytes';
import { type ElfSection } from '../elf';

/** An entry is a distance in bytes from the start of the section of code, as 64 bits. */
const ENTRY = 8;

/**
 * The entries of a jump table that clang (from 22 on, for cpu v4) puts into section `.jumptables`, one symbol a table.
 *
 * @returns undefined for a range that is no table in the section
 */
export function jumpTable(
  section: ElfSection,
  littleEndian: boolean,
  offset: number,
  size: number,
): number[] | undefined {
  if (size === 0 || size % ENTRY !== 0 || offset % ENTRY !== 0 || offset + size > section.size)
    return undefined;
  const view = new ByteView(section.data, littleEndian, { code: 'ELF_MALFORMED', section: section.name });
  return Array.from({ length: size / ENTRY }, (_, i) => Number(view.u64(offset + i * ENTRY)));
}
