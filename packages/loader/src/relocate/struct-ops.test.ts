import { describe, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { Btf, BtfBuilder, IntEncoding } from '../btf';
import { parseObject } from '../object';
import { relocateObject } from './index';

/** A kernel with one struct_ops: `struct bpf_struct_ops_ops { struct common common; struct ops data; }`. */
function kernel(members: (types: { int: number; callback: number }) => [string, number, number, number?][]) {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, IntEncoding.SIGNED);
  const callback = builder.pointer(builder.funcProto(int, [{ name: 'x', type: int }]));
  const ops = builder.struct(
    'ops',
    32,
    members({ int, callback }).map(([name, type, byte, bitfieldSize]) => ({
      name,
      type,
      bitOffset: byte * 8,
      bitfieldSize,
    })),
  );
  builder.struct('bpf_struct_ops_ops', 96, [
    { name: 'common', type: int, bitOffset: 0 },
    { name: 'data', type: ops, bitOffset: 64 * 8 },
  ]);
  const btf = Btf.parse(builder.build());
  return { btf: () => btf };
}

const full = kernel(({ int, callback }) => [
  ['second', callback, 0],
  ['number', int, 8],
  ['first', callback, 16],
]);

function object(body: string, bigEndian = false) {
  const source = `
    #define SEC(name) __attribute__((section(name), used))
    struct ops___v2 { int number; int (*first)(int x); int (*second)(int x); long extra; };
    SEC("struct_ops/first") int one(void *ctx) { return 1; }
    SEC("struct_ops/second") int two(void *ctx) { return 2; }
    ${body}`;
  return parseObject(compile(source, { bigEndian }), { name: 'cc' });
}

test('members go where the kernel has them, programs are of the member that holds them', () => {
  const spec = object(
    'SEC(".struct_ops.link") struct ops___v2 ops = { .number = 5, .first = (void *)one, .second = (void *)two };',
  );
  const { maps, programs } = relocateObject(spec, full);
  const [map] = maps;
  expect(map).toMatchObject({ name: 'ops', valueSize: 96, flags: 1 << 13, keySize: 4, maxEntries: 1 });
  expect(map!.slots).toEqual([
    { index: 64, function: 1 },
    { index: 80, function: 0 },
  ]);
  expect(new DataView(map!.data!.buffer).getInt32(72, true)).toBe(5);
  expect(map!.structOps?.kernelType).toEqual({ typeId: 5, module: undefined });
  expect(programs.map(({ attach, attachType }) => [attach?.typeId, attachType])).toEqual([
    [4, 2],
    [4, 0],
  ]);
});

test('an object of the other byte order is read the same', () => {
  const spec = object('SEC(".struct_ops") struct ops___v2 ops = { .first = (void *)one };', true);
  expect(spec.maps[0]).toMatchObject({
    name: 'ops',
    flags: 0,
    slots: [{ index: 8, function: 0 }],
  });
});

test('a module`s struct is found in its types', () => {
  const builder = new BtfBuilder();
  builder.int('int', 4, IntEncoding.SIGNED);
  const vmlinux = Btf.parse(builder.build());
  const module = full.btf();
  const spec = object('SEC(".struct_ops") struct ops___v2 ops = { .first = (void *)one };');
  const relocated = relocateObject(
    spec,
    { btf: () => vmlinux, moduleNames: () => ['sched'], moduleBtf: () => module },
    { programs: ['one'] },
  );
  expect(relocated.maps[0]!.structOps?.kernelType).toEqual({ typeId: 5, module: 'sched' });
  expect(relocated.programs[0]!.attach).toEqual({ typeId: 4, module: 'sched' });
});

describe('refused', () => {
  const all = '.first = (void *)one, .second = (void *)two';
  test.each([
    [
      'a member that the kernel does not have',
      `SEC(".struct_ops") struct ops___v2 ops = { ${all}, .extra = 1 };`,
      full,
      /struct_ops 'ops': found a value in member 'extra', expected it to be zero: this kernel's struct ops has no such member/,
    ],
    [
      'a struct that is no struct_ops',
      'struct none { int (*f)(int); }; SEC(".struct_ops") struct none ops = { .f = (void *)one };',
      full,
      /struct none, which is no struct_ops of this kernel, expected a struct bpf_struct_ops_none/,
    ],
    [
      'a member of another size',
      `SEC(".struct_ops") struct ops___v2 ops = { ${all} };`,
      kernel(({ callback }) => [
        ['second', callback, 0],
        ['first', callback, 16],
        ['number', callback, 8],
      ]),
      /member 'number' as 'int' \(4 bytes\), expected 'int \(\*\)\(.*\)' \(8 bytes\), as this kernel has it/,
    ],
    [
      'a bitfield',
      `SEC(".struct_ops") struct ops___v2 ops = { ${all} };`,
      kernel(({ int, callback }) => [
        ['second', callback, 0],
        ['number', int, 8, 3],
        ['first', callback, 16],
      ]),
      /member 'number', which is a bitfield/,
    ],
    [
      'a program in two members',
      'SEC(".struct_ops") struct ops___v2 ops = { .first = (void *)one, .second = (void *)one };',
      full,
      /program 'one' in member 'second' and in another one/,
    ],
    [
      'a program in no member',
      'SEC(".struct_ops") struct ops___v2 ops = { .first = (void *)one };',
      full,
      /program 'two': found SEC\("struct_ops\/second"\), but no member of a struct_ops variable/,
    ],
  ])('%s', (_, body, target, message) => {
    expect(() => relocateObject(object(body), target)).toThrow(message);
  });

  test('a pointer to what is no struct_ops program', () => {
    expect(() =>
      object('int helper(int x) { return x; } SEC(".struct_ops") struct ops___v2 ops = { .first = helper };'),
    ).toThrow(/found a pointer to 'helper', expected for member 'first' of 'ops' a function with SEC/);
  });
});
