import { describe, expect, test } from 'vitest';
import { btfSample, btfSections, dumpRaw } from '../../../../tools/testing/btf';
import { compile } from '../../../../tools/testing/compile';
import { BpfError } from '../errors';
import { Btf, BtfBuilder, BtfKind, essentialName, Linkage } from '.';

const little = btfSections(compile(btfSample));
const big = btfSections(compile(btfSample, { bigEndian: true }));
const btf = Btf.parse(little.btf, { object: 'sample.o' });

function struct(name: string): number {
  const id = btf.find(name, BtfKind.STRUCT);
  expect(id).toBeGreaterThan(0);
  return id;
}

function member(id: number, name: string): number {
  const index = Array.from({ length: btf.vlen(id) }, (_, i) => btf.memberName(id, i)).indexOf(name);
  expect(index).toBeGreaterThanOrEqual(0);
  return index;
}

test('every kind that the sample is meant to have is in it', () => {
  const kinds = new Set(Array.from({ length: btf.endId - 1 }, (_, i) => btf.kind(i + 1)));
  const missing = Object.entries(BtfKind).filter(([, kind]) => kind !== BtfKind.VOID && !kinds.has(kind));
  expect(missing).toEqual([]);
});

test('a big-endian object says the same as a little-endian one', () => {
  const other = Btf.parse(big.btf);
  expect(other.littleEndian).toBe(false);
  expect(dumpRaw(other)).toEqual(dumpRaw(btf));
});

test('bytes that are not aligned to words are read too', () => {
  const shifted = new Uint8Array(little.btf.length + 1);
  shifted.set(little.btf, 1);
  expect(dumpRaw(Btf.parse(shifted.subarray(1)))).toEqual(dumpRaw(btf));
});

describe('members', () => {
  const all = struct('all');

  test('lie where C puts them', () => {
    expect(btf.memberBitOffset(all, member(all, 'name'))).toBe(0);
    expect(btf.memberBitOffset(all, member(all, 'inners'))).toBe(8 * 24);
    expect(btf.byteSize(btf.memberType(all, member(all, 'inners')))).toBe(10);
    expect(btf.memberBitfieldSize(all, member(all, 'name'))).toBe(0);
  });

  test('bitfields have a width and a bit offset', () => {
    const bits = member(all, 'bits');
    expect(btf.memberBitfieldSize(all, bits)).toBe(5);
    expect(btf.memberBitfieldSize(all, bits + 1)).toBe(20);
    expect(btf.memberBitOffset(all, bits + 1)).toBe(btf.memberBitOffset(all, bits) + 5);
  });

  test('are described as C declares them', () => {
    const described = Object.fromEntries(
      Array.from({ length: btf.vlen(all) }, (_, i) => [
        btf.memberName(all, i),
        btf.describe(btf.memberType(all, i)),
      ]),
    );
    expect(described).toMatchObject({
      name: 'char[16]',
      names: 'char[2][4]',
      inners: 'struct inner[2]',
      color: 'enum color',
      '': 'union (anonymous)',
      on: '_Bool',
      function: 'int (*)(...)',
      next: 'struct all *',
      forward: 'struct forward *',
      forward_union: 'union forward_union *',
      pointer: 'const volatile long *restrict',
      last: '__u64',
      tail: '__u32[]',
    });
  });
});

test('sizes and alignments are those of C, packed structs included', () => {
  const all = struct('all');
  expect(btf.alignment(all)).toBe(8);
  expect(btf.byteSize(all)).toBe(btf.size(all));
  expect(btf.byteSize(struct('inner'))).toBe(5);
  expect(btf.alignment(struct('inner'))).toBe(1);
  expect(btf.byteSize(btf.find('table', BtfKind.VAR))).toBe(12);
  expect(() => btf.byteSize(btf.find('one', BtfKind.FUNC))).toThrow("'int one(...)' has no size");
});

test('enums are signed or not, 32 or 64 bits', () => {
  const values = (name: string, kind: BtfKind): Record<string, bigint> => {
    const id = btf.find(name, kind);
    return Object.fromEntries(
      Array.from({ length: btf.vlen(id) }, (_, i) => [btf.enumName(id, i), btf.enumValue(id, i)]),
    );
  };
  expect(values('color', BtfKind.ENUM)).toEqual({ RED: 0n, GREEN: -2n, BLUE: 7n });
  expect(values('wide', BtfKind.ENUM64)).toEqual({ NARROW: 1n, WIDE: 0xffffffffffn });
  expect(values('negative', BtfKind.ENUM64)).toEqual({ LOWEST: -0x7fffffffffffffffn, HIGHEST: 1n });
});

test('linkage of functions and variables', () => {
  expect(btf.linkage(btf.find('helper', BtfKind.FUNC))).toBe(Linkage.STATIC);
  expect(btf.linkage(btf.find('one', BtfKind.FUNC))).toBe(Linkage.GLOBAL);
  expect(btf.linkage(btf.find('kernel_function', BtfKind.FUNC))).toBe(Linkage.EXTERN);
  expect(btf.linkage(btf.find('counter', BtfKind.VAR))).toBe(Linkage.STATIC);
});

describe('names', () => {
  test('are found with their kind', () => {
    expect(btf.name(btf.find('color', BtfKind.ENUM))).toBe('color');
    expect(btf.find('color', BtfKind.STRUCT)).toBe(0);
    expect(btf.find('colo', BtfKind.ENUM)).toBe(0);
    expect(btf.find('', BtfKind.STRUCT)).toBe(0);
    expect(btf.find('color\0', BtfKind.ENUM)).toBe(0);
    expect(btf.name(btf.find('.rodata', BtfKind.DATASEC))).toBe('.rodata');
  });

  test('every named type is found again', () => {
    for (let id = 1; id < btf.endId; id++) {
      if (btf.name(id) !== '') expect(btf.findAll(btf.name(id), btf.kind(id))).toContain(id);
    }
  });

  test('candidates are all flavours of a name', () => {
    const found = btf.candidates('task_struct', [BtfKind.STRUCT]).map((id) => btf.name(id));
    expect(found.sort()).toEqual(['task_struct', 'task_struct___new', 'task_struct___old']);
    expect(btf.candidates('task_struct', [BtfKind.ENUM])).toEqual([]);
    expect(btf.candidates('task', [BtfKind.STRUCT])).toEqual([]);
  });

  test('short names have flavours too', () => {
    const builder = new BtfBuilder();
    const int = builder.int('int', 4, 1);
    const names = ['a', 'ab', 'abc', 'a___x', 'ab___x', 'abc___x', 'a___b___x', 'a____x', '___x'];
    const ids = names.map((name) => builder.typedef(name, int));
    const short = Btf.parse(builder.build());
    const found = (name: string): string[] =>
      short.candidates(name, [BtfKind.TYPEDEF]).map((id) => short.name(id));
    expect(found('a')).toEqual(['a', 'a___x']);
    expect(found('ab')).toEqual(['ab', 'ab___x']);
    expect(found('abc')).toEqual(['abc', 'abc___x']);
    expect(found('a___b')).toEqual(['a___b___x']);
    expect(found('___x')).toEqual(['___x']);
    expect(names.map((name) => short.find(name, BtfKind.TYPEDEF))).toEqual(ids);
  });

  test('a flavour is the last part behind exactly three underscores', () => {
    expect(essentialName('task_struct___old')).toBe('task_struct');
    expect(essentialName('a___b___c')).toBe('a___b');
    expect(essentialName('a____b')).toBe('a____b');
    expect(essentialName('___x')).toBe('___x');
    expect(essentialName('x___')).toBe('x___');
    expect(essentialName('task_struct')).toBe('task_struct');
  });
});

describe('split BTF', () => {
  const base = new BtfBuilder();
  const int = base.int('int', 4, 1);
  const old = base.struct('shared', 4, [{ name: 'x', type: int, bitOffset: 0 }]);
  const kernel = Btf.parse(base.build());
  const module = Btf.parse(splitBtf(kernel), { base: kernel });

  test('continues the ids and strings of its base', () => {
    expect(module.firstId).toBe(kernel.endId);
    expect(module.describe(module.firstId)).toBe('int *');
    expect(module.name(module.firstId + 1)).toBe('shared');
    expect(module.name(module.firstId + 2)).toBe('own');
    expect(module.describe(old)).toBe('struct shared');
  });

  test('is searched after its base', () => {
    expect(module.find('shared', BtfKind.STRUCT)).toBe(old);
    expect(module.findAll('shared', BtfKind.STRUCT)).toEqual([old, module.firstId + 1]);
    expect(module.candidates('shared', [BtfKind.STRUCT])).toEqual([old, module.firstId + 1]);
    expect(kernel.findAll('shared', BtfKind.STRUCT)).toEqual([old]);
    expect(module.find('own', BtfKind.TYPEDEF)).toBe(module.firstId + 2);
  });
});

/** A module's BTF: a pointer to type 1, a struct whose name is among the base's strings, a typedef with its own. */
function splitBtf(base: Btf): Uint8Array {
  const shared = base.nameOffset(base.find('shared', BtfKind.STRUCT));
  const words = [
    ...[0, BtfKind.PTR << 24, 1],
    ...[shared, BtfKind.STRUCT << 24, 0],
    ...[base.stringEnd, BtfKind.TYPEDEF << 24, 1],
  ];
  const strings = [...new TextEncoder().encode('own\0')];
  const header = [0x0001eb9f, 24, 0, 4 * words.length, 4 * words.length, strings.length];
  return Uint8Array.of(...new Uint8Array(Uint32Array.from([...header, ...words]).buffer), ...strings);
}

describe('an accessor asked for what is not there', () => {
  test.each<[string, (id: number) => unknown, string]>([
    ['a type beyond the last', () => btf.kind(btf.endId), `BTF type [${btf.endId}] does not exist`],
    ['a member beyond the last', (id) => btf.memberName(id, btf.vlen(id)), 'elements, none with index'],
    [
      'the size of a pointer',
      (id) => btf.size(btf.memberType(id, member(id, 'next'))),
      'has no size of its own',
    ],
    ['what a struct refers to', (id) => btf.type(id), "STRUCT 'all' refers to no other type"],
    ['the elements of a struct', (id) => btf.arrayElement(id), 'is not an array'],
    ['a string outside the table', () => btf.string(btf.stringEnd), 'is outside the'],
  ])('%s', (_, access, message) => {
    const ask = (): unknown => access(struct('all'));
    expect(ask).toThrow(BpfError);
    expect(ask).toThrow(message);
  });
});
