import { describe, expect, test } from 'vitest';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compile } from '../../../../tools/testing/compile';
import { BpfError } from '../errors';
import { ElfFile } from './elf-file';
import { SHT_NOBITS, STB_GLOBAL, STB_LOCAL, STT_FUNC, STT_OBJECT, STV_HIDDEN } from './constants';

const source = `
  int counter;
  int answer = 42;
  __attribute__((visibility("hidden"))) int hidden = 1;
  char _license[] __attribute__((section("license"), used)) = "GPL";
  __attribute__((section("xdp"))) int drop(void *ctx) { counter++; return answer + hidden; }
`;
const little = compile(source);
const big = compile(source, { bigEndian: true });

/** Runs a tool over an object in a file of its own, and gives back what is then in the file. */
function transform(bytes: Uint8Array, tool: string, args: string[]): Uint8Array {
  const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-elf-'));
  try {
    const file = path.join(directory, 'x.o');
    writeFileSync(file, bytes);
    const result = spawnSync(tool, [...args, file]);
    if (result.status !== 0) throw new Error(String(result.stderr));
    return new Uint8Array(readFileSync(file));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function parse(bytes: Uint8Array): ElfFile {
  return ElfFile.parse(bytes, { object: 'x.o' });
}

function failure(bytes: Uint8Array): BpfError {
  try {
    parse(bytes);
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

/** A copy of the little-endian object with some bytes replaced. */
function patched(at: number, ...bytes: number[]): Uint8Array {
  const copy = little.slice();
  copy.set(bytes, at);
  return copy;
}

describe.each([
  ['little', little],
  ['big', big],
])('%s endian', (order, bytes) => {
  const elf = parse(bytes);
  const symbol = (name: string) => {
    for (let i = 0; i < elf.symbols.count; i++) if (elf.symbols.name(i) === name) return i;
    throw new Error(`no symbol ${name}`);
  };

  test('header and sections', () => {
    expect(elf.littleEndian).toBe(order === 'little');
    expect(elf.machine).toBe(247);
    expect(elf.section('license')!.data).toEqual(new TextEncoder().encode('GPL\0'));
    expect(elf.section('.bss')).toMatchObject({ type: SHT_NOBITS, size: 4, alignment: 4 });
    expect(elf.section('.bss')!.data).toHaveLength(0);
    expect(elf.section('nothing')).toBeUndefined();
    expect(elf.view(elf.section('.data')!).u32(0)).toBe(42);
  });

  test('symbols', () => {
    const { symbols } = elf;
    const drop = symbol('drop');
    expect(symbols.type(drop)).toBe(STT_FUNC);
    expect(symbols.binding(drop)).toBe(STB_GLOBAL);
    expect(symbols.value(drop)).toBe(0);
    expect(symbols.size(drop)).toBe(elf.section('xdp')!.size);
    expect(elf.sections[symbols.section(drop)]!.name).toBe('xdp');
    expect(symbols.type(symbol('hidden'))).toBe(STT_OBJECT);
    expect(symbols.visibility(symbol('hidden'))).toBe(STV_HIDDEN);
    expect(symbols.binding(symbol('test.bpf.c'))).toBe(STB_LOCAL);
  });

  test('relocations', () => {
    const relocations = elf.relocations(elf.section('xdp')!);
    const found = Array.from({ length: relocations.count }, (_, i) => [
      relocations.offset(i) % 8,
      relocations.type(i),
      elf.symbols.name(relocations.symbol(i)),
      relocations.addend(i),
    ]);
    expect(found).toHaveLength(3);
    expect(found).toContainEqual([0, 1, 'counter', 0n]);
    expect(found).toContainEqual([0, 1, 'answer', 0n]);
    expect(elf.relocations(elf.section('license')!).count).toBe(0);
  });
});

describe('files that are no BPF object say what they are', () => {
  test.each([
    [new Uint8Array(), 'ELF_MALFORMED', 'found an empty file, expected a BPF object'],
    [
      new TextEncoder().encode('#include <linux/bpf.h>\nint x;\n'),
      'ELF_MALFORMED',
      'a text file that starts "#include <linux/bpf.h>"',
    ],
    [Uint8Array.of(0x42, 0x43, 0xc0, 0xde, 1), 'ELF_MALFORMED', 'LLVM bitcode'],
    [Uint8Array.of(1, 2, 3, 4, 5), 'ELF_MALFORMED', 'a file of 5 bytes that starts 01 02 03 04'],
    [little.subarray(0, 40), 'ELF_MALFORMED', 'cut short: found 40 bytes, expected at least 64'],
    [little.subarray(0, little.length - 1), 'ELF_MALFORMED', 'cut short'],
    [patched(18, 62, 0), 'ELF_NOT_BPF', 'an object for EM_X86_64'],
    [patched(18, 99, 0), 'ELF_NOT_BPF', 'an object for machine 99'],
    [patched(16, 2, 0), 'ELF_NOT_BPF', 'ET_EXEC'],
    [patched(4, 1), 'ELF_NOT_BPF', 'a 32-bit ELF file'],
    [patched(5, 3), 'ELF_MALFORMED', 'unknown byte order'],
    [patched(40, 0, 0, 0, 0, 0, 0, 0, 0), 'ELF_NOT_BPF', 'no section table'],
  ])('%#', (bytes, code, text) => {
    const error = failure(bytes);
    expect(error.code).toBe(code);
    expect(error.message).toContain('x.o: ');
    expect(error.message).toContain(text);
  });

  test('an object without its symbol table', () => {
    const stripped = transform(little, 'llvm-objcopy-19', ['--strip-all-gnu']);
    expect(failure(stripped)).toMatchObject({ code: 'ELF_NOT_BPF' });
    expect(failure(stripped).message).toContain('no symbol table');
  });
});

describe('headers and tables that point outside', () => {
  const table = Number(new DataView(little.buffer).getBigUint64(40, true));
  const elf = parse(little);
  const header = (name: string) => table + elf.section(name)!.index * 64;
  const relocationHeader = header('.relxdp');

  test.each([
    ['name of a section', header('license'), [0xff, 0xff, 0xff, 0], "section '.shstrtab', offset 16777215"],
    ['offset of a section', header('license') + 24, [0, 0, 0, 0, 1], "section 'license' has bytes"],
    [
      'size beyond 2^53',
      header('license') + 32,
      [0, 0, 0, 0, 0, 0, 0, 1],
      "the size of section 'license' is",
    ],
    ['section of the names', 62, [0xfe, 0], 'the names of sections are in section 254'],
    ['number of sections', 60, [0xff, 0xff], 'the table of 65535 sections'],
    ['size of section headers', 58, [56, 0], 'section headers of 56 bytes, expected 64'],
    ['size of symbols', header('.symtab') + 56, [16], 'symbols of 16 bytes, expected 24'],
    ['strings of symbols', header('.symtab') + 40, [0xff, 0xff], 'its names are in section 65535'],
  ])('%s', (_, at, bytes, text) => {
    const error = failure(patched(at, ...bytes));
    expect(error.code).toBe('ELF_MALFORMED');
    expect(error.message).toContain(text);
  });

  test.each([
    ['size of entries', relocationHeader + 56, [24], 'relocations of 24 bytes, expected 16'],
    ['symbol table', relocationHeader + 40, [1], 'it refers to section 1, which is not the symbol table'],
  ])('relocations: %s', (_, at, bytes, text) => {
    const mutated = parse(patched(at, ...bytes));
    expect(() => mutated.relocations(mutated.section('xdp')!)).toThrow(text);
  });

  test('relocations: offset and symbol', () => {
    const start = elf.section('.relxdp')!.data.byteOffset;
    const far = parse(patched(start, 0, 0, 1));
    expect(() => far.relocations(far.section('xdp')!)).toThrow(
      /section '.relxdp', offset 0: relocation 0 is for byte 65536 of section 'xdp'/,
    );
    const nobody = parse(patched(start + 12, 0xff, 0xff));
    expect(() => nobody.relocations(nobody.section('xdp')!)).toThrow(/against symbol 65535/);
  });

  test('a symbol larger than its section', () => {
    const symbols = elf.section('.symtab')!.data.byteOffset;
    let drop = 0;
    while (elf.symbols.name(drop) !== 'drop') drop++;
    const error = failure(patched(symbols + drop * 24 + 16, 0, 1, 0));
    expect(error.message).toMatch(
      /section '.symtab', offset \d+: symbol \d+ 'drop' covers bytes 0 to 256 of section 'xdp'/,
    );
  });
});
