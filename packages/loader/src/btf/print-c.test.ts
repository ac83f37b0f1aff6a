import { describe, expect, test } from 'vitest';
import { ElfFile } from '../elf';
import { compile } from '../../../../tools/testing/compile';
import { layoutText, layoutsOfVariables, variablesOf } from '../../../../tools/testing/layouts';
import { Btf } from './btf';
import { BtfBuilder } from './builder';
import { BtfKind } from './kinds';
import { printC } from './print-c';

const flags = ['-Wall', '-Werror', '-Wno-visibility'];

function btfOf(source: string): Btf {
  const object = ElfFile.parse(compile(source, { flags }), { object: 'test' });
  return Btf.parse(object.section('.BTF')!.data);
}

/** The types of C source, after a trip through BTF and printC: layouts before and after, by type id. */
function roundTrip(source: string): {
  before: Map<number, string>;
  after: Map<number, string>;
  header: string;
} {
  const btf = btfOf(source);
  const header = printC(btf);
  const types = new Map<number, string>();
  const before = new Map<number, string>();
  for (let id = 1; id < btf.endId; id++) {
    const kind = btf.kind(id);
    if ((kind !== BtfKind.STRUCT && kind !== BtfKind.UNION) || btf.name(id) === '' || btf.size(id) === 0)
      continue;
    types.set(id, `${kind === BtfKind.STRUCT ? 'struct' : 'union'} ${btf.name(id)}`);
    before.set(id, layoutText(btf, id));
  }
  return { before, after: layoutsOfVariables(btfOf(`${header}\n${variablesOf(types)}`)), header };
}

describe('layouts survive', () => {
  test.each([
    [
      'bitfields',
      'struct t { unsigned a : 3; int b : 7; unsigned long c : 40; char d; unsigned short e : 9; } v;',
    ],
    [
      'unnamed bitfields',
      'struct t { unsigned a : 3; unsigned : 9; unsigned b : 2; unsigned : 0; unsigned c : 1; } v;',
    ],
    [
      'packed bitfields across units',
      'struct t { char x; unsigned a : 30; unsigned long b : 50; } __attribute__((packed)) v;',
    ],
    ['booleans as bitfields', 'struct t { _Bool a : 1; _Bool b : 1; int c; } v;'],
    ['packed', 'struct t { char a; long b; short c; } __attribute__((packed)) v;'],
    [
      'packed in unpacked',
      'struct i { char a; int b; } __attribute__((packed)); struct t { char a; struct i b; long c; } v;',
    ],
    ['packed where only the end shows it', 'struct t { long a; char b; } __attribute__((packed)) v;'],
    ['aligned members', 'struct t { char a; char b __attribute__((aligned(64))); } v;'],
    [
      'aligned struct',
      'struct t { int a; } __attribute__((aligned(128))) v; struct u { char c; struct t t; } w;',
    ],
    ['a union larger than its members', 'union t { char a; short b; } __attribute__((aligned(32))) v;'],
    [
      'an anonymous union larger than its members',
      'struct t { union { int a; } __attribute__((aligned(16))); int b; } v;',
    ],
    [
      'anonymous structs and unions',
      'struct t { int k; union { struct { char a, b; }; long c; struct { int d; } e; }; } v;',
    ],
    [
      'flexible and empty arrays',
      'struct t { int n; long a[0]; char b[]; } *v; struct u { struct t *t; } w;',
    ],
    ['empty structs', 'struct e {}; struct t { struct e a; int b; struct e c; } v;'],
    [
      'arrays of arrays and of structs',
      'struct i { char c; int d; }; struct t { struct i a[3][5]; char *b[2]; } v;',
    ],
    ['128-bit integers', 'struct t { char a; __int128 b; unsigned __int128 c; } v;'],
    ['small enums', 'enum s { A, B } __attribute__((packed)); struct t { enum s a; enum s b; int c; } v;'],
    [
      'large enums',
      'enum l { A = 1UL << 40, B = -1L }; enum u { C = ~0UL }; struct t { enum l a; enum u b; } v;',
    ],
    [
      'anonymous enums, twice',
      'struct t { enum { A = -1, B } a; } v; struct u { enum { C = 5 } a, b[2]; } w;',
    ],
    [
      'pointers to everything',
      'struct n; struct t { struct t *s; struct n *n; void *v; int (*a)[3]; const char *const *c; } v;',
    ],
    [
      'functions',
      'struct t { int (*f)(struct t *, const char *, ...); void (*(*g)(int))(long); int (*h[2])(void); } v;',
    ],
    [
      'typedefs of functions',
      'typedef int fn(int); typedef fn *fp; struct t { fn *a; fp b; const fp c; } v;',
    ],
    [
      'qualifiers',
      'struct t { volatile int a; const volatile long *b; char *restrict c; const int d[3]; } v;',
    ],
    [
      'typedefs before their structs',
      'typedef struct s s_t; struct t { s_t *a; }; struct s { struct t b; s_t *c; } v;',
    ],
    [
      'anonymous typedefs',
      'typedef struct { int a; } a_t; typedef union { a_t b; long c; } u_t; struct t { u_t u[2]; } v;',
    ],
    ['floats', 'struct t { char a; float b; char c; double d; } v;'],
  ])('%s', (_, source) => {
    const { before, after } = roundTrip(`${source}\n`);
    expect(before.size).toBeGreaterThan(0);
    expect(after).toEqual(before);
  });

  test('a layout that is printed wrong would be noticed', () => {
    const { header } = roundTrip('struct t { char a; char b __attribute__((aligned(64))); } v;');
    const wrong = btfOf(`${header.replace('long: 64;', '')}\nstruct t v_1;`);
    expect(layoutsOfVariables(wrong).get(1)).not.toBe('128{a@0:0 , b@512:0 }');
    expect(layoutsOfVariables(btfOf(`${header}\nstruct t v_1;`)).get(1)).toBe('128{a@0:0 , b@512:0 }');
  });
});

test('types of one name are told apart, forward declarations mean the definition', () => {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, 1);
  builder.struct('s', 4, [{ name: 'a', type: int, bitOffset: 0 }]);
  builder.struct('s', 8, [{ name: 'b', type: int, bitOffset: 32 }]);
  const forward = builder.forward('s');
  const union = builder.forward('s', true);
  builder.struct('user', 16, [
    { name: 'p', type: builder.pointer(forward), bitOffset: 0 },
    { name: 'u', type: builder.pointer(union), bitOffset: 64 },
  ]);
  builder.typedef('s', int);
  builder.typedef('s', builder.pointer(int));
  builder.enum('e', 4, [{ name: 'A', value: 1 }]);
  builder.enum('f', 4, [{ name: 'A', value: 2 }]);
  builder.enum('', 4, [{ name: 's', value: 3 }]);
  const header = printC(Btf.parse(builder.build()));
  expect(header).toContain('struct s {\n\tint a;\n};');
  expect(header).toContain('struct s___2 {\n\tint: 32;\n\tint b;\n};');
  expect(header).toContain('struct user {\n\tstruct s *p;\n\tunion s___3 *u;\n};');
  expect(header).toContain('typedef int s;');
  expect(header).toContain('typedef int *s___2;');
  expect(header).toContain('enum f {\n\tA___2 = 2,\n};');
  expect(header).toContain('enum {\n\ts___3 = 3,\n};');
  btfOf(`${header}\nint v;`);
});

test('names and types that C does not have become some that it has', () => {
  const builder = new BtfBuilder();
  const odd = builder.int('DW_ATE_unsigned_16', 2, 0);
  const long = builder.float('long double', 16);
  builder.struct('x; } evil', 32, [
    { name: 'a', type: builder.int('bool', 1, 4), bitOffset: 0 },
    { name: 'b', type: odd, bitOffset: 16 },
    { name: 'c', type: long, bitOffset: 128 },
  ]);
  builder.typedef('core::fmt<T>', odd);
  builder.typedef('9lives', odd);
  const header = printC(Btf.parse(builder.build()));
  expect(header).toContain('struct x____evil {\n\t_Bool a;\n\tunsigned short b;');
  expect(header).toContain('typedef unsigned short core__fmt_T_;');
  expect(header).toContain('typedef unsigned short _9lives;');
  const layouts = layoutsOfVariables(btfOf(`${header}\nstruct x____evil v_1;`));
  expect(layouts.get(1)).toContain('c@128:0');
});

test('anonymous types that would double with every level are refused, not written', () => {
  const builder = new BtfBuilder();
  let type = builder.int('int', 4, 1);
  for (let level = 0; level < 28; level++) {
    const size = 4 * 2 ** level;
    type = builder.struct(level === 27 ? 'all' : '', 2 * size, [
      { name: 'a', type, bitOffset: 0 },
      { name: 'b', type: builder.pointer(type), bitOffset: 8 * size },
    ]);
  }
  const btf = Btf.parse(builder.build(), { trusted: true });
  expect(() => printC(btf)).toThrow('types without a name contain each other too often');
});

test('what is in a header besides types', () => {
  const btf = btfOf('struct t { int a; } v;');
  expect(printC(btf)).toMatch(/^#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n/);
  expect(printC(btf)).toContain('preserve_access_index');
  const plain = printC(btf, { guard: 'TYPES_H', preserveAccessIndex: false });
  expect(plain).toMatch(/^#ifndef TYPES_H\n/);
  expect(plain).not.toContain('preserve_access_index');
  // clang would warn of an attribute that applies to nothing.
  expect(printC(btfOf('int v;'))).not.toContain('preserve_access_index');
});
