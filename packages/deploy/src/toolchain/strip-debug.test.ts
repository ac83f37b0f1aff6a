import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Btf, BtfExt, ElfFile, parseObject } from '@nx-bpf/loader';
import { compile } from '../../../../tools/testing/compile';
import { stripDebug } from './strip-debug';

const source = `
#define SEC(name) __attribute__((section(name), used))
struct { int (*type)[2]; int *key; long *value; int (*max_entries)[7]; } hits SEC(".maps");
const volatile int limit = 3;
static int counter;
int shared = 5;
static __attribute__((noinline)) long helper(long x) { counter += x; return x * limit + shared; }
SEC("xdp") int first(void *ctx) {
  int key = 0;
  long *value = ((void *(*)(void *, void *))1)(&hits, &key);
  return value ? helper(*value) : 2;
}
SEC("tc") int second(void *ctx) { return helper(1); }
char _license[] SEC("license") = "GPL";
`;

/** What a loader makes of an object, as text: everything but the byte positions in the file. */
function meaning(bytes: Uint8Array): unknown {
  const { btf, ...spec } = parseObject(bytes, { name: 'test' });
  return { ...spec, types: btf === undefined ? 0 : btf.endId };
}

/** Sections by name, with what relocates them, symbols by name instead of by number. */
function contents(bytes: Uint8Array): unknown {
  const elf = ElfFile.parse(bytes, { object: 'test' });
  return elf.sections
    .filter(({ name }) => !/^\.(rel\.?|symtab|strtab|shstrtab)/.test(name) && name !== '')
    .map((section) => {
      const relocations = elf.relocations(section);
      const list = Array.from({ length: relocations?.count ?? 0 }, (_, i) => {
        const symbol = relocations!.symbol(i);
        const target = elf.sections[elf.symbols.section(symbol)]?.name;
        return [
          relocations!.offset(i),
          relocations!.type(i),
          elf.symbols.name(symbol),
          target,
          elf.symbols.value(symbol),
        ];
      });
      return {
        name: section.name,
        type: section.type,
        data: Buffer.from(section.data).toString('hex'),
        list,
      };
    });
}

describe.each([
  ['little endian', false],
  ['big endian', true],
])('%s', (_, bigEndian) => {
  const object = compile(source, { bigEndian });
  const stripped = stripDebug(object, 'test');

  test('DWARF goes, everything that is loaded stays', () => {
    const before = ElfFile.parse(object, { object: 'test' });
    expect(before.sections.filter(({ name }) => name.includes('debug_')).length).toBeGreaterThan(5);
    const elf = ElfFile.parse(stripped, { object: 'test' });
    expect(elf.sections.filter(({ name }) => /debug_|addrsig/.test(name))).toEqual([]);
    expect(meaning(stripped)).toEqual(meaning(object));
    const btf = Btf.parse(elf.section('.BTF')!.data);
    expect(BtfExt.parse(elf.section('.BTF.ext')!.data, btf, { object: 'test' }).sections()).toContain('xdp');
    expect(stripped.length).toBeLessThan(object.length * 0.75);
  });

  test('as llvm-strip -g does it', () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'strip-'));
    try {
      const file = path.join(directory, 'test.o');
      fs.writeFileSync(file, compile(source, { bigEndian, flags: ['-fno-addrsig'] }));
      const tool = ['llvm-strip-19', 'llvm-strip'].find((name) => spawnSync(name, ['-g', file]).status === 0);
      expect(tool).toBeDefined();
      expect(contents(stripped)).toEqual(contents(fs.readFileSync(file)));
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });

  test('what is stripped already stays as it is', () => {
    expect(stripDebug(stripped, 'test')).toEqual(stripped);
  });
});

test('only an object can be stripped', () => {
  expect(() => stripDebug(new TextEncoder().encode('int x;'), 'x.o')).toThrow('x.o');
});
