import { describe, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { BpfError } from '../errors';
import { type MapSpec } from '.';
import { parseObject } from './parse-object';

const prelude = '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n';

function parse(source: string, debug = true) {
  return parseObject(compile(prelude + source, { debug }), { name: 'x' });
}

function map(source: string): MapSpec {
  return parse(`struct { ${source} } m SEC(".maps");`).maps[0]!;
}

function failure(source: string, debug = true): BpfError {
  try {
    parse(source, debug);
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

describe('attributes of .maps', () => {
  test('types of key and value give the sizes and the type ids', () => {
    const spec = parse(`
      struct key { __u32 a; __u16 b; };
      typedef struct { __u64 v[3]; } value_t;
      struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __type(key, struct key); __type(value, value_t);
        __uint(max_entries, 1 << 20); __uint(map_flags, BPF_F_NO_COMMON_LRU); } flows SEC(".maps");`);
    const [flows] = spec.maps;
    expect(flows).toMatchObject({
      name: 'flows',
      kernelName: 'flows',
      origin: 'btf',
      section: '.maps',
      type: 9,
      keySize: 8,
      valueSize: 24,
      maxEntries: 1 << 20,
      flags: 2,
      numaNode: undefined,
      mapExtra: 0n,
      pinByName: false,
      inner: undefined,
      slots: [],
      frozen: false,
    });
    expect(spec.btf!.describe(flows!.keyTypeId)).toBe('struct key');
    expect(spec.btf!.describe(flows!.valueTypeId)).toBe('value_t');
  });

  test.each([
    [
      'sizes in bytes',
      '__uint(type, 1); __uint(key_size, 4); __uint(value_size, 16);',
      { keySize: 4, valueSize: 16, keyTypeId: 0 },
    ],
    ['size and type that agree', '__uint(type, 1); __uint(key_size, 4); __type(key, int);', { keySize: 4 }],
    ['max_entries left out', '__uint(type, 4);', { maxEntries: 0, keySize: 0 }],
    ['numa node', '__uint(type, 1); __uint(numa_node, 1);', { numaNode: 1 }],
    ['extra, narrow', '__uint(type, 30); __uint(map_extra, 5);', { mapExtra: 5n }],
    [
      'extra, wide',
      '__uint(type, 33); enum { wide = 1ull << 44 } map_extra;',
      { mapExtra: 1n << 44n, origin: 'arena' },
    ],
    ['pinned', '__uint(type, 1); __uint(pinning, LIBBPF_PIN_BY_NAME);', { pinByName: true }],
    ['not pinned', '__uint(type, 1); __uint(pinning, LIBBPF_PIN_NONE);', { pinByName: false }],
  ])('%s', (_, source, expected) => {
    expect(map(source)).toMatchObject(expected);
  });

  test('names longer than the kernel takes', () => {
    const [spec] = parse('struct { __uint(type, 1); } connections_by_address SEC(".maps");').maps;
    expect(spec).toMatchObject({ name: 'connections_by_address', kernelName: 'connections_by_' });
  });

  test('inner maps and their initial places', () => {
    const { maps } = parse(`
      struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, long); __uint(max_entries, 4); };
      struct inner red SEC(".maps"), blue SEC(".maps");
      struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __type(key, int); __uint(max_entries, 8);
        __array(values, struct inner); } outer SEC(".maps") = { .values = { [5] = &red, [2] = &blue, [0] = &red } };`);
    const outer = maps.find(({ name }) => name === 'outer')!;
    expect(outer).toMatchObject({
      valueSize: 4,
      maxEntries: 8,
      inner: {
        name: 'outer.inner',
        kernelName: 'outer.inner',
        type: 2,
        keySize: 4,
        valueSize: 8,
        maxEntries: 4,
      },
      slots: [
        { index: 0, map: 'red' },
        { index: 2, map: 'blue' },
        { index: 5, map: 'red' },
      ],
    });
  });

  test('initial programs of a prog array', () => {
    const spec = parse(`
      int first(void *ctx); int second(void *ctx);
      struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
        __array(values, int (void *)); } jumps SEC(".maps") = { .values = { [3] = (void *)&second, [1] = (void *)&first } };
      SEC("xdp") int first(void *ctx) { return 1; }
      SEC("xdp") int second(void *ctx) { return 2; }`);
    const slots = spec.maps[0]!.slots.map((slot) => [
      slot.index,
      'function' in slot ? spec.functions[slot.function]!.name : undefined,
    ]);
    expect(slots).toEqual([
      [1, 'first'],
      [3, 'second'],
    ]);
  });
});

describe('definitions that are refused', () => {
  const body = (source: string) => `struct { ${source} } m SEC(".maps");`;

  test.each([
    [
      body('__uint(type, 1); __uint(max_entires, 4);'),
      "map 'm': found the unknown attribute 'max_entires'; did you mean 'max_entries'?",
    ],
    [
      body('__uint(type, 1); __uint(colour, 4);'),
      "the unknown attribute 'colour'; known are key, key_size, map_extra",
    ],
    [body('__uint(type, 1); __uint(toString, 4);'), "the unknown attribute 'toString'"],
    [body('__uint(max_entries, 4);'), "map 'm': found no type; add __uint(type, BPF_MAP_TYPE_...)"],
    [
      body('__uint(type, 1); __uint(key_size, 8); __type(key, int);'),
      "a key of 8 bytes and, in 'key', of 4, expected one size",
    ],
    [
      body('__uint(type, 1); __type(value, long); __uint(value_size, 4);'),
      "a value of 8 bytes and, in 'value_size', of 4",
    ],
    [body('int type; '), "found 'type' of type 'int', expected __uint(type, ...)"],
    [body('__uint(type, 1); int key;'), "found 'key' of type 'int', expected __type(key, ...)"],
    [
      body('__uint(type, 1); __uint(pinning, 2);'),
      'found pinning 2, expected LIBBPF_PIN_NONE (0) or LIBBPF_PIN_BY_NAME (1)',
    ],
    [
      body('__uint(type, 1); __array(values, int (void *));'),
      'in a map that holds neither maps nor programs',
    ],
    [body('__uint(type, 12); __array(values, int);'), 'expected __array(values, struct { ... })'],
    [
      body('__uint(type, 12); __array(values, struct { __uint(type, 1); __uint(pinning, 1); });'),
      "'pinning' on an inner map",
    ],
    [
      body(
        '__uint(type, 12); __array(values, struct { __uint(type, 12); __array(values, struct { __uint(type, 1); }); });',
      ),
      'expected one level of inner maps',
    ],
    ['int m SEC(".maps");', 'expected a variable of a struct type'],
  ])('%s', (source, text) => {
    const error = failure(source);
    expect(error.code).toBe('MAP_INVALID');
    expect(error.message).toContain('x: ');
    expect(error.message).toContain(text);
    expect(error.fields).toMatchObject({ object: 'x', section: '.maps', map: 'm' });
  });

  test('a static map', () => {
    const error = failure(`
      static struct { __uint(type, BPF_MAP_TYPE_ARRAY); __type(key, int); __type(value, long); __uint(max_entries, 1); } seen SEC(".maps");
      SEC("xdp") int p(void *ctx) { int key = 0; return !bpf_map_lookup_elem(&seen, &key); }`);
    expect(error.code).toBe('MAP_STATIC');
    expect(error.message).toBe(
      "x: map 'seen' is static; remove 'static': a map needs a name that the whole object sees",
    );
  });

  test('maps without BTF', () => {
    const error = failure(body('__uint(type, 1);'), false);
    expect(error.code).toBe('BTF_MISSING');
    expect(error.message).toBe(
      'x: its maps are defined in section .maps, but it has no BTF for them; compile with -g',
    );
  });

  test('a program that is no entry point in a prog array', () => {
    const error = failure(`
      int help(void *ctx) { return 1; }
      struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
        __array(values, int (void *)); } jumps SEC(".maps") = { .values = { [1] = (void *)&help } };`);
    expect(error.message).toContain("map 'jumps', initial values: found 'help', expected a program");
  });
});

describe('legacy maps', () => {
  const elfMap = `struct bpf_elf_map { __u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx; };`;
  const mapDef = `struct bpf_map_def { __u32 type, key_size, value_size, max_entries, map_flags; };`;

  test('bpf_map_def, with its references', () => {
    const spec = parse(
      `${mapDef}
       struct bpf_map_def SEC("maps") one = { 1, 4, 8, 16, 1 };
       struct bpf_map_def SEC("maps") two = { 2, 4, 8, 1 };
       SEC("xdp") int p(void *ctx) { int key = 0; return !bpf_map_lookup_elem(&two, &key); }`,
      false,
    );
    expect(spec.maps).toMatchObject([
      {
        name: 'one',
        origin: 'legacy',
        type: 1,
        keySize: 4,
        valueSize: 8,
        maxEntries: 16,
        flags: 1,
        section: 'maps',
      },
      { name: 'two', type: 2, maxEntries: 1, flags: 0, pinByName: false },
    ]);
    expect(spec.functions[0]!.references).toMatchObject([{ kind: 'map', map: 'two' }]);
  });

  test("iproute2's struct: pinning, and inner maps by number", () => {
    const { maps } = parse(`${elfMap}
      struct bpf_elf_map SEC("maps") inner = { .type = 2, .size_key = 4, .size_value = 4, .max_elem = 1, .id = 42, .inner_idx = 3 };
      struct bpf_elf_map SEC("maps") outer = { .type = 12, .size_key = 4, .size_value = 4, .max_elem = 8, .inner_id = 42, .pinning = 2 };`);
    expect(maps).toMatchObject([
      { name: 'inner', pinByName: false },
      { name: 'outer', pinByName: true, inner: { name: 'inner' }, slots: [{ index: 3, map: 'inner' }] },
    ]);
  });

  test.each([
    [
      `struct { __u32 a[2]; } m SEC("maps") = { 1, 4 };`,
      "map 'm' in section 'maps': found a definition of 8 bytes, expected",
    ],
    [
      `struct { __u32 a[7]; } m SEC("maps") = { 1, 4, 4, 1, 0, 9 };`,
      'a definition of 28 bytes with values that nobody knows',
    ],
    [`${mapDef} struct bpf_map_def SEC("maps") m = { 0, 4, 8, 1 };`, 'found type 0'],
    [
      `${elfMap} struct bpf_elf_map SEC("maps") m = { .type = 12, .inner_id = 7 };`,
      "map 'm', of type array_of_maps: found no map with id 7",
    ],
  ])('%s', (source, text) => {
    expect(failure(source).message).toContain(text);
    expect(failure(source).code).toBe('MAP_INVALID');
  });

  test('static', () => {
    const error = failure(`${mapDef}
      static struct bpf_map_def SEC("maps") m = { 1, 4, 8, 1 };
      SEC("xdp") int p(void *ctx) { int key = 0; return !bpf_map_lookup_elem(&m, &key); }`);
    expect(error).toMatchObject({ code: 'MAP_STATIC', fields: { map: 'm' } });
  });
});
