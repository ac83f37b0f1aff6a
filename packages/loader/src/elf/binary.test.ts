import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileBinary } from '../../../../tools/testing/user-binary';
import { BpfError } from '../errors';
import { Binary } from './binary';
import { binaryFunctions } from './binary-functions';
import { bytesOfFile, type FileBytes } from './file-bytes';
import { findFunction, matchFunctions } from './find-function';
import { usdtProbes } from './usdt-notes';

const library = `
  #include <sys/sdt.h>
  __asm__(".symver new_open, open@@LIB_2");
  __asm__(".symver old_open, open@LIB_1");
  int new_open(int x) { STAP_PROBE2(shop, opened, x, 7); return x + 2; }
  int old_open(int x) { return x + 1; }
  int close_all(int x) { return x; }
  static int chosen(int x) { return x * 3; }
  static void *choose(void) { return chosen; }
  int picked(int x) __attribute__((ifunc("choose")));
`;
const versions = 'LIB_1 { global: open; close_all; picked; local: *; };\nLIB_2 { global: open; } LIB_1;\n';

/** Two static functions of a name, in two C files. */
const twins = 'int twin(int x); __attribute__((used)) static int same(int x) { return x + 3; }';
const main =
  '__attribute__((used)) static int same(int x) { return x + 4; }  void _start(void) { for (;;); }';

let directory: string;
let lib: Uint8Array;
let twin: Uint8Array;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-elf-'));
  const at = (name: string) => path.join(directory, name);
  writeFileSync(at('lib.map'), versions);
  writeFileSync(at('twins.c'), twins);
  // Segments that share pages are at other addresses than in the file.
  const script = ['-Wl,--version-script,lib.map', '-Wl,-z,noseparate-code'];
  lib = new Uint8Array(readFileSync(compileBinary(library, at('lib.so'), { shared: true, flags: script })));
  twin = readFileSync(compileBinary(main, at('main'), { flags: ['twins.c'] }));
});
afterAll(() => rmSync(directory, { recursive: true }));

const read = (bytes: Uint8Array, name = 'lib.so'): Binary => Binary.read(bytesOfFile(name, bytes));

function failure(action: () => unknown): BpfError {
  try {
    action();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('functions', () => {
  const offset = (name: string): number => findFunction(read(lib), name).offset;

  test('a name without a version is the default one; a version chooses', () => {
    expect(offset('open')).toBe(offset('open@@LIB_2'));
    expect(offset('open')).toBe(offset('open@LIB_2'));
    expect(offset('open@LIB_1')).not.toBe(offset('open'));
    expect(offset('open')).toBe(offset('new_open'));
    expect(offset('open@LIB_1')).toBe(offset('old_open'));
  });

  test('the offset is where the code of the function is in the file', () => {
    // lea eax, [rdi + 1]; ret
    const at = offset('old_open');
    if (process.arch === 'x64') expect([...lib.subarray(at, at + 4)]).toEqual([0x8d, 0x47, 0x01, 0xc3]);
    const [symbol] = [...binaryFunctions(read(lib))].filter(({ name }) => name === 'old_open');
    expect(at).not.toBe(symbol!.address);
    expect(read(lib).fileOffset(symbol!.address)).toBe(at);
    expect(read(lib).fileOffset(symbol!.address, 'writable')).toBeUndefined();
  });

  test('what is not there is answered with the nearest, or with the versions that are', () => {
    expect(failure(() => offset('open@@LIB_1'))).toMatchObject({
      code: 'FUNCTION_NOT_FOUND',
      message: "lib.so: no function 'open@@LIB_1'; did you mean open@@LIB_2 or open@LIB_1?",
    });
    expect(failure(() => offset('close_al')).message).toContain('did you mean close_all?');
    expect(failure(() => matchFunctions(read(lib), 'nothing*'))).toMatchObject({
      code: 'FUNCTION_NOT_FOUND',
    });
  });

  test('one that only chooses another is refused', () => {
    expect(failure(() => offset('picked'))).toMatchObject({ code: 'FUNCTION_NOT_FOUND' });
    expect(failure(() => offset('picked')).message).toContain('STT_GNU_IFUNC');
  });

  test('several static ones of a name are listed', () => {
    const error = failure(() => findFunction(read(twin, 'main'), 'same'));
    expect(error).toMatchObject({ code: 'FUNCTION_AMBIGUOUS' });
    expect(error.message).toMatch(
      /^main: 2 functions are named 'same': found same at offset 0x[0-9a-f]+, same at offset 0x[0-9a-f]+; give an offset/,
    );
  });

  test('a pattern: each place once, sorted', () => {
    const found = matchFunctions(read(lib), '*ose_?l*');
    expect(found).toEqual([{ name: 'close_all', offset: offset('close_all') }]);
    const all = matchFunctions(read(lib), '**');
    expect(all.map((each) => each.offset)).toEqual(
      [...new Set(all.map((each) => each.offset))].sort((a, b) => a - b),
    );
    expect(all.length).toBeGreaterThan(3);
    // Both versions.
    expect(matchFunctions(read(lib), 'open')).toHaveLength(2);
  });
});

test('probes: provider, name, arguments and the place of the nop', () => {
  const [probe, ...more] = usdtProbes(read(lib));
  expect(more).toEqual([]);
  expect(probe).toMatchObject({ provider: 'shop', name: 'opened', semaphore: undefined });
  expect(probe!.arguments).toMatch(process.arch === 'x64' ? /^-4@.* -4@\$7$/ : /^-4@.* -4@7$/);
  if (process.arch === 'x64') expect(lib[probe!.offset]).toBe(0x90);
});

test('a binary that prelink moved: addresses in notes move with its base', () => {
  const moved = lib.slice();
  const { offset, size } = read(lib).section('.note.stapsdt')!;
  const view = new DataView(moved.buffer, moved.byteOffset + offset, size);
  // The descriptor follows 12 bytes of sizes and type and the 8 of "stapsdt".
  const [location, base] = [view.getBigUint64(20, true), view.getBigUint64(28, true)];
  expect(base).toBe(BigInt(read(lib).section('.stapsdt.base')!.address));
  view.setBigUint64(20, location + 0x1000n, true);
  view.setBigUint64(28, base + 0x1000n, true);
  expect(usdtProbes(read(moved))).toEqual(usdtProbes(read(lib)));
});

test('files of other kinds are refused by what they are', () => {
  const at = (name: string) => path.join(directory, name);
  const small = compileBinary('int f(int x) { return x; }', at('i386.so'), {
    shared: true,
    architecture: 'i386',
  });
  expect(failure(() => read(readFileSync(small)))).toMatchObject({ code: 'BINARY_UNSUPPORTED' });
  expect(failure(() => read(readFileSync(small), 'x')).message).toBe(
    'x: not a binary that can be traced: found a 32-bit ELF file, expected ELF64; name a 64-bit executable or shared object',
  );
  expect(failure(() => read(Buffer.from('#!/bin/sh\n'))).message).toContain(
    'a text file that starts "#!/bin/sh"',
  );
  expect(failure(() => read(new Uint8Array())).message).toContain('an empty file');
});

test('of a large file only tables are read', () => {
  const size = 2 ** 40;
  let most = 0;
  const file: FileBytes = {
    name: 'large',
    size,
    read: (offset, length) => {
      most += length;
      const bytes = new Uint8Array(length);
      bytes.set(lib.subarray(offset, offset + length));
      return bytes;
    },
  };
  const found = findFunction(Binary.read(file), 'open');
  expect(found).toEqual(findFunction(read(lib), 'open'));
  expect(most).toBeLessThan(lib.length + (1 << 16));
});

describe('damaged files', () => {
  /** Everything that is read of a file for probes of user space. */
  function readAll(bytes: Uint8Array): void {
    const binary = read(bytes);
    for (const { address } of binaryFunctions(binary)) binary.fileOffset(address);
    usdtProbes(binary);
  }

  /** Nothing but an error of ours may come of it. */
  function outcome(bytes: Uint8Array): string {
    try {
      readAll(bytes);
      return 'read';
    } catch (error) {
      if (error instanceof BpfError) return error.code;
      throw error;
    }
  }

  test('cut short anywhere', () => {
    for (let length = 0; length < lib.length; length += 97)
      expect(outcome(lib.subarray(0, length))).toBe('ELF_MALFORMED');
  });

  test('with a wrong number anywhere in its headers, tables and notes', () => {
    const binary = read(lib);
    const wanted = ['.note.stapsdt', '.dynsym', '.symtab', '.gnu.version', '.gnu.version_d', '.strtab'];
    const parts = [
      { offset: 0, size: 64 + 56 * 12 },
      { offset: lib.length - 64 * binary.sections.length, size: 64 * binary.sections.length },
      ...wanted.map((name) => binary.section(name)!),
    ];
    const outcomes = new Set<string>();
    for (const { offset, size } of parts) {
      for (let at = offset; at < offset + size; at += 3) {
        for (const value of [0, 0x7f, 0xff]) {
          const bytes = lib.slice();
          bytes.fill(value, at, Math.min(at + 4, lib.length));
          outcomes.add(outcome(bytes));
        }
      }
    }
    expect([...outcomes].sort()).toEqual(['BINARY_UNSUPPORTED', 'ELF_MALFORMED', 'read']);
  });
});
