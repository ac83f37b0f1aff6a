import { ElfFile } from '../../packages/loader/src/elf';

/** Bytes of an `Elf64_Sym`, and the byte in it whose upper half is the binding (System V ABI, symbol table). */
const SYMBOL_SIZE = 24;
const INFO = 4;
const STB_GLOBAL = 1;
const STB_WEAK = 2;
const SHT_SYMTAB = 2;

/**
 * A copy of an object in which every symbol that it does not define is weak, so that no loader fails for want of it.
 * What libbpf makes of the copy tells whether it refused a program only because other programs of the object need
 * something that this kernel lacks: libbpf looks for the externs of all programs, we for those of the wanted.
 */
export function withWeakExterns(object: Buffer): Buffer {
  const copy = Buffer.from(object);
  const { sections } = ElfFile.parse(object, { object: 'object' });
  for (const { type, data } of sections) {
    if (type !== SHT_SYMTAB) continue;
    // Sections are views of the file.
    const start = data.byteOffset - object.byteOffset;
    for (let at = start; at < start + data.byteLength; at += SYMBOL_SIZE) {
      const info = object.readUInt8(at + INFO);
      const defined = object.readUInt16LE(at + 6) !== 0;
      if (!defined && info >> 4 === STB_GLOBAL) copy.writeUInt8((STB_WEAK << 4) | (info & 0xf), at + INFO);
    }
  }
  return copy;
}
