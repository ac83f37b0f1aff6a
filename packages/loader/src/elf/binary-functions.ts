import { type Binary, type BinarySection } from './binary';
import { BinaryStrings } from './binary-strings';
import { SHN_UNDEF, SHT_DYNSYM, STB_LOCAL, STT_FUNC, STT_GNU_IFUNC } from './constants';
import { filePart } from './file-bytes';
import { symbolVersions, type SymbolVersion } from './symbol-versions';

/** A function of a binary, as one of its symbol tables has it. */
export interface BinaryFunction {
  /** Without its version. */
  readonly name: string;
  readonly version: SymbolVersion | undefined;
  /** Seen only where it is defined: a `static` function of C. */
  readonly local: boolean;
  /** The symbol is of a function that chooses another one (`STT_GNU_IFUNC`). */
  readonly indirect: boolean;
  /** In memory, before the binary is moved to where it runs. */
  readonly address: number;
}

/** Bytes of an `Elf64_Sym`: name u32, info u8, other u8, shndx u16, value u64, size u64. */
const ENTRY = 24;
/** So many symbols are read at once: 1.5 MiB. */
const BLOCK = 1 << 16;

/**
 * The functions that a binary defines, from `.symtab` and `.dynsym`, in their order: a function that is in both comes
 * twice. Memory is bounded however many there are.
 *
 * @throws BpfError ELF_MALFORMED when a table or a name lies outside the file
 *
 * @example
 * ```ts
 * const binary = Binary.read(bytesOfFile('/bin/true', readFileSync('/bin/true')));
 * for (const { name, address } of binaryFunctions(binary)) console.log(name, binary.fileOffset(address));
 * ```
 */
export function* binaryFunctions(binary: Binary): Generator<BinaryFunction> {
  for (const table of binary.symbolTables) yield* functionsOf(binary, table);
}

function* functionsOf(binary: Binary, table: BinarySection): Generator<BinaryFunction> {
  const strings = binary.sections[table.link];
  if (strings === undefined) return;
  const names = new BinaryStrings(binary, strings);
  const versionOf = table.type === SHT_DYNSYM ? symbolVersions(binary) : () => undefined;
  const count = Math.floor(table.size / ENTRY);
  for (let first = 0; first < count; first += BLOCK) {
    const size = Math.min(BLOCK, count - first) * ENTRY;
    const part = { offset: table.offset + first * ENTRY, size };
    const view = filePart(binary.file, part, binary.littleEndian, `section '${table.name}'`);
    for (let at = 0; at < size; at += ENTRY) {
      const info = view.u8(at + 4);
      const type = info & 15;
      if ((type !== STT_FUNC && type !== STT_GNU_IFUNC) || view.u16(at + 6) === SHN_UNDEF) continue;
      const { name, version } = parseVersioned(names.text(view.u32(at)));
      yield {
        name,
        version: version ?? versionOf(first + at / ENTRY),
        local: info >> 4 === STB_LOCAL,
        indirect: type === STT_GNU_IFUNC,
        address: view.size64(at + 8, 'the address of a symbol'),
      };
    }
  }
}

/**
 * Splits `name@@VERSION` (the version that programs get that name none) and `name@VERSION`, as linkers write them into
 * `.symtab` and people into a command line.
 *
 * @example
 * ```ts
 * parseVersioned('fork@@GLIBC_2.34'); // { name: 'fork', version: { name: 'GLIBC_2.34', isDefault: true } }
 * ```
 */
export function parseVersioned(text: string): {
  readonly name: string;
  readonly version: SymbolVersion | undefined;
} {
  const at = text.indexOf('@', 1);
  if (at < 0) return { name: text, version: undefined };
  const isDefault = text[at + 1] === '@';
  return {
    name: text.slice(0, at),
    version: { name: text.slice(at + (isDefault ? 2 : 1)), isDefault },
  };
}
