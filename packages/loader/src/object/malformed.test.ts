import { describe, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { ElfFile } from '../elf';
import { BpfError } from '../errors';
import { parseObject } from './parse-object';

const prelude = '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n';

function failureOf(bytes: Uint8Array): BpfError {
  try {
    parseObject(bytes, { name: 'x' });
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

function failure(source: string, flags: string[] = []): BpfError {
  return failureOf(compile(prelude + source, { flags }));
}

describe('objects that are refused', () => {
  test('a static program', () => {
    const error = failure('SEC("xdp") static int p(void *ctx) { return 1; }');
    expect(error.code).toBe('PROGRAM_INVALID');
    expect(error.message).toBe(
      "x: program 'p' in section 'xdp' is static; remove 'static', or the SEC() if it is a function for programs to call",
    );
  });

  test('a variable in an arena that is not there', () => {
    const error = failure(`
      int __attribute__((address_space(1))) shared SEC(".addr_space.1");
      SEC("xdp") int p(void *ctx) { return shared; }`);
    expect(error.code).toBe('MAP_INVALID');
    expect(error.message).toBe(
      'x: variables of section \'.addr_space.1\' have no arena to be in; define a map of type BPF_MAP_TYPE_ARENA in SEC(".maps")',
    );
  });

  test('a reference into a section that is no data', () => {
    const error = failure(`
      int odd SEC("somewhere");
      SEC("xdp") int p(void *ctx) { return odd; }`);
    expect(error.message).toBe(
      "x: function 'p', instruction 0: relocation against 'odd': found section 'somewhere', expected a function, a map, or data of .data, .rodata or .bss",
    );
    expect(error.fields).toMatchObject({ section: 'xdp', offset: 0, program: 'p', insn: 0, symbol: 'odd' });
  });

  test('a tentative definition', () => {
    const error = failure('int later; SEC("xdp") int p(void *ctx) { return later; }', ['-fcommon']);
    expect(error.message).toContain("relocation against 'later': found a symbol in no section");
  });

  test('an address behind the end of its section', () => {
    const bytes = compile(`${prelude} int few[2]; SEC("xdp") int p(void *ctx) { return few[0]; }`);
    // clang adds such an offset with an instruction of its own; other compilers may put it into the load.
    bytes[ElfFile.parse(bytes, { object: 'x' }).section('xdp')!.data.byteOffset + 4] = 8;
    // It is an error of the programs that have it, once they are wanted: see relocate-object.test.ts.
    expect(parseObject(bytes, { name: 'x' }).functions[0]!.references).toEqual([
      { kind: 'data', insn: 0, map: '.bss' },
    ]);
  });

  test('a version of the wrong size', () => {
    const error = failure('__u64 _version SEC("version") = 1; SEC("xdp") int p(void *ctx) { return 0; }');
    expect(error).toMatchObject({ code: 'ELF_MALFORMED', fields: { section: 'version' } });
    expect(error.message).toContain('found 8 bytes, expected the 4 of a __u32');
  });

  test('an extern for a configuration value that is larger than any', () => {
    const error = failure(`
      extern char CONFIG_TEXT[100000] __kconfig;
      SEC("xdp") int p(void *ctx) { return CONFIG_TEXT[5]; }`);
    expect(error.message).toBe(
      "x: extern 'CONFIG_TEXT' of section .kconfig: found a type of 100000 bytes, expected at most 4096",
    );
  });

  test('a section of types that is cut off', () => {
    const bytes = compile(`${prelude} SEC("xdp") int p(void *ctx) { return 0; }`);
    const { data } = ElfFile.parse(bytes, { object: 'x' }).section('.BTF')!;
    bytes.fill(0xff, data.byteOffset + 12, data.byteOffset + 16);
    expect(failureOf(bytes)).toMatchObject({ code: 'BTF_MALFORMED', fields: { section: '.BTF' } });
  });
});

describe('damaged files', () => {
  const rich = `${prelude}
    struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, long); __uint(max_entries, 4); };
    struct inner one SEC(".maps");
    struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __type(key, int); __uint(max_entries, 2);
      __array(values, struct inner); } outer SEC(".maps") = { .values = { &one } };
    struct bpf_map_def { __u32 type, key_size, value_size, max_entries; } old SEC("maps") = { 1, 4, 4, 1 };
    extern int CONFIG_HZ __kconfig;
    int counter; static int last[4]; const volatile int rate = 1;
    static int each(void *map, void *key, void *value, void *ctx) { return last[counter & 3]; }
    __noinline int step(int by) { return counter * by; }
    SEC("tc") int p(struct __sk_buff *skb) {
      bpf_for_each_map_elem(&one, each, 0, 0);
      return step(rate) + CONFIG_HZ + bpf_map_delete_elem(&old, &rate);
    }
    char _license[] SEC("license") = "GPL";`;

  /** Nothing but a BpfError about the object leaves, and nothing hangs. */
  function survive(bytes: Uint8Array): 'parsed' | 'refused' {
    const start = performance.now();
    try {
      parseObject(bytes, { name: 'x' });
      return 'parsed';
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      expect(error.exitStatus).toBe(5);
      return 'refused';
    } finally {
      expect(performance.now() - start).toBeLessThan(20_000);
    }
  }

  /** A small generator with a fixed seed: the same damage in every run. */
  function random(seed: number): (below: number) => number {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  describe.each([
    ['little', compile(rich)],
    ['big', compile(rich, { bigEndian: true })],
  ])('%s endian', (_, object) => {
    test('the object itself is good', () => {
      expect(parseObject(object, { name: 'x' }).maps.map(({ name }) => name)).toEqual([
        'old',
        'one',
        'outer',
        '.rodata',
        '.bss',
        '.kconfig',
      ]);
    });

    test('cut short at every length', () => {
      for (let length = 0; length < object.length; length += 7)
        expect([length, survive(object.subarray(0, length))]).toEqual([length, 'refused']);
    });

    test('bytes replaced anywhere', () => {
      const next = random(1);
      for (let round = 0; round < 1500; round++) {
        const bytes = object.slice();
        for (let i = next(8); i >= 0; i--) bytes[next(bytes.length)] = next(256);
        survive(bytes);
      }
    });

    test('bytes replaced where the structure is', () => {
      const elf = ElfFile.parse(object, { object: 'x' });
      const headers = object.length - elf.sections.length * 64;
      const places = [
        '.symtab',
        '.reltc',
        '.rel.text',
        '.rel.maps',
        '.BTF',
        '.BTF.ext',
        '.maps',
        'maps',
        'tc',
        '.strtab',
      ];
      const next = random(2);
      let refused = 0;
      for (let round = 0; round < 2500; round++) {
        const bytes = object.slice();
        const section = elf.section(places[next(places.length)]!)!;
        const [start, size] =
          round % 5 === 0 ? [headers, elf.sections.length * 64] : [section.data.byteOffset, section.size];
        for (let i = next(3); i >= 0; i--)
          bytes[start + next(size)] = [0, 1, 0x7f, 0x80, 0xff, next(256)][next(6)]!;
        if (survive(bytes) === 'refused') refused++;
      }
      expect(refused).toBeGreaterThan(500);
      expect(refused).toBeLessThan(2400);
    });
  });
});
