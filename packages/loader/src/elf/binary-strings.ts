import { decodeText } from '../bytes';
import { BpfError } from '../errors';
import { type Binary, type BinarySection } from './binary';
import { filePart } from './file-bytes';

const BLOCK = 1 << 16;
/** At most these are kept: 16 MiB of names, however many there are. */
const mostBlocks = 256;
/** The longest names are of C++ templates: some 10,000 bytes. */
const longestName = 1 << 20;

/**
 * The strings of a section, read by blocks as they are asked for. Symbols mostly follow the order of their names in
 * the section, so a block is read once.
 */
export class BinaryStrings {
  private readonly blocks = new Map<number, Uint8Array>();

  /** @throws BpfError ELF_MALFORMED when the section reaches beyond the file */
  constructor(
    private readonly binary: Binary,
    private readonly section: BinarySection,
  ) {
    const { file } = binary;
    if (section.offset + section.size <= file.size) return;
    throw new BpfError(
      'ELF_MALFORMED',
      `${file.name}: section '${section.name}' ends at ${section.offset + section.size}, but the file at ${file.size}`,
      { object: file.name, section: section.name },
    );
  }

  /** @throws BpfError ELF_MALFORMED for an offset outside the section, and for a string that does not end in it */
  text(offset: number): string {
    let text = '';
    for (let at = offset; at - offset < longestName;) {
      if (at >= this.section.size) break;
      const index = Math.floor(at / BLOCK);
      const block = this.block(index);
      const start = at - index * BLOCK;
      const end = block.indexOf(0, start);
      if (end >= 0) return text + decodeText(block, start, end);
      text += decodeText(block, start, block.length);
      at = (index + 1) * BLOCK;
    }
    const { name } = this.section;
    throw new BpfError(
      'ELF_MALFORMED',
      `${this.binary.file.name}: section '${name}' has no whole string at ${offset}`,
      { object: this.binary.file.name, section: name, offset },
    );
  }

  private block(index: number): Uint8Array {
    const known = this.blocks.get(index);
    if (known !== undefined) return known;
    const { file, littleEndian } = this.binary;
    const offset = index * BLOCK;
    const size = Math.min(BLOCK, this.section.size - offset);
    const part = { offset: this.section.offset + offset, size };
    const { bytes } = filePart(file, part, littleEndian, `section '${this.section.name}'`);
    if (this.blocks.size >= mostBlocks) this.blocks.delete(this.blocks.keys().next().value!);
    this.blocks.set(index, bytes);
    return bytes;
  }
}
