import { describe, expect, test } from 'vitest';
import { btfSections } from '../../../../tools/testing/btf';
import { compile } from '../../../../tools/testing/compile';
import {
  Btf,
  BtfKind,
  compileConversion,
  decodeValue,
  encodeValue,
  integersOf,
  type ConversionOptions,
  type TypeOf,
} from '.';

const prelude = `
typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32; typedef unsigned long long __u64;
typedef int __s32; typedef long long __s64;
`;

/** `struct v` of a C text. */
function typeOf(members: string, before = ''): TypeOf {
  const source = `${prelude}${before}struct v { ${members} } v;
    __attribute__((section("xdp"), used)) int entry(void *context) { return *(char *)&v; }`;
  const btf = Btf.parse(btfSections(compile(source)).btf);
  return { btf, typeId: btf.find('v', BtfKind.STRUCT) };
}

function through(from: TypeOf, to: TypeOf, value: object, options?: ConversionOptions): unknown {
  const conversion = compileConversion(from, to, options);
  expect(conversion.problems).toEqual([]);
  const old = new Uint8Array(from.btf.byteSize(from.typeId));
  encodeValue(from.btf, from.typeId, value, old, 0);
  const now = new Uint8Array(to.btf.byteSize(to.typeId));
  conversion.convert(old, now);
  return decodeValue(to.btf, to.typeId, now, 0);
}

describe('values keep their meaning', () => {
  test('a field more: it is zero, and the others move', () => {
    const from = typeOf('__u64 packets; __u64 bytes; char name[8];');
    const to = typeOf('__u64 packets; __u32 errors; __u64 bytes; char name[8];');
    expect(through(from, to, { packets: 7, bytes: 2n ** 63n, name: 'eth0' })).toEqual({
      packets: 7,
      errors: 0,
      bytes: 2n ** 63n,
      name: 'eth0',
    });
    expect(compileConversion(from, to).differences).toEqual([
      'bytes: moved from byte 8 to 16',
      'name: moved from byte 16 to 24',
      'errors: added (__u32)',
    ]);
  });

  test('integers get wider with their sign', () => {
    const from = typeOf('__s32 a; __u32 b; __u8 c; short d; _Bool e;');
    const to = typeOf('__s64 a; __u64 b; __s64 c; int d; int e;');
    const value = { a: -5, b: 0xffffffff, c: 255, d: -32768, e: true };
    expect(through(from, to, value)).toEqual({ a: -5, b: 0xffffffff, c: 255, d: -32768, e: 1 });
  });

  test('nested structs, arrays of them, longer arrays and text', () => {
    const from = typeOf(
      'struct one ones[2]; __u16 ports[3]; char name[4]; struct { __u8 x; };',
      'struct one { __u32 id; __u32 hits; };',
    );
    const to = typeOf(
      'char name[8]; __u16 ports[5]; struct one ones[3]; struct { __u32 x; };',
      'struct one { __u64 hits; __u32 id; };',
    );
    const value = {
      ones: [
        { id: 1, hits: 2 },
        { id: 3, hits: 4 },
      ],
      ports: [1, 2, 3],
      name: 'abcd',
      x: 9,
    };
    expect(through(from, to, value)).toEqual({
      name: 'abcd',
      ports: [1, 2, 3, 0, 0],
      ones: [
        { hits: 2, id: 1 },
        { hits: 4, id: 3 },
        { hits: 0, id: 0 },
      ],
      x: 9,
    });
  });

  test('enums follow their names, bitfields their places', () => {
    const from = typeOf('enum verdict verdict; __u32 a : 3; __u32 b : 20;', 'enum verdict { PASS, DROP };');
    const to = typeOf(
      'enum verdict verdict; __u32 b : 24; __u32 a : 4;',
      'enum verdict { DROP = 5, PASS = 9 };',
    );
    expect(through(from, to, { verdict: 'DROP', a: 7, b: 0xfffff })).toEqual({
      verdict: 'DROP',
      b: 0xfffff,
      a: 7,
    });
    expect(through(from, to, { verdict: 'PASS' })).toMatchObject({ verdict: 'PASS' });
  });

  test('a union is copied as it is, and may get members more', () => {
    const from = typeOf('__u32 kind; union { __u32 word; __u8 bytes[4]; } u;');
    const to = typeOf('__u32 more; __u32 kind; union { __u32 word; __u8 bytes[4]; __u64 wide; } u;');
    expect(through(from, to, { kind: 1, u: { word: 0x01020304 } })).toMatchObject({
      u: { word: 0x01020304 },
    });
  });

  test('floats get wider; the other half of a value that only some fields of are wanted stays', () => {
    const from = typeOf('float f; __u32 a;');
    const to = typeOf('double f; __u32 a;');
    expect(through(from, to, { f: 0.5, a: 3 })).toEqual({ f: 0.5, a: 3 });
    expect(through(from, to, { f: 0.5, a: 3 }, { only: ['a'] })).toEqual({ f: 0, a: 3 });
  });

  test('the kernel keeps its own fields', () => {
    const lock = 'struct bpf_spin_lock { __u32 val; };';
    const from = typeOf('struct bpf_spin_lock lock; __u32 a;', lock);
    const to = typeOf('__u32 a; struct bpf_spin_lock lock;', lock);
    expect(through(from, to, { lock: { val: 1 }, a: 3 })).toEqual({ a: 3, lock: { val: 0 } });
  });
});

describe('what would lose something is a problem', () => {
  test.each([
    ['__u64 a;', '__u32 a;', 'a: narrowed from unsigned long long to unsigned int'],
    ['__u32 a;', 'int a;', 'a: changed its sign from unsigned int to int'],
    ['int a;', '__u64 a;', 'a: changed its sign from int to unsigned long long'],
    ['__u32 a; __u32 b;', '__u32 a;', 'b: dropped (__u32)'],
    ['char a[8];', 'char a[4];', 'a: shortened from char[8] to char[4]'],
    ['char a[8];', '__u8 a[8];', 'a: changed from char[8] to __u8[8]'],
    ['__u32 a;', 'char a[4];', 'a: changed from unsigned int to char[4]'],
    ['double a;', 'float a;', 'a: changed from double to float'],
    ['struct { __u32 x; __u32 y; } a[2];', 'struct { __u32 x; } a[2];', 'a[].y: dropped (__u32)'],
    [
      'union { __u32 x; __u16 y; } a;',
      'union { __u64 x; __u16 y; } a;',
      'a: is a union whose members changed',
    ],
    ['union { __u32 x; __u32 y; };', '__u32 x; __u32 y;', 'the value: is a union whose members changed'],
  ])('%s to %s', (before, after, problem) => {
    const conversion = compileConversion(typeOf(before), typeOf(after));
    expect(conversion.problems).toEqual([problem]);
    expect(conversion.same).toBe(false);
  });

  test('an enum value that is gone', () => {
    const from = typeOf('enum e a;', 'enum e { A, B };');
    const to = typeOf('enum e a;', 'enum e { A, C };');
    expect(compileConversion(from, to).problems).toEqual(['a: enum value B is gone']);
  });

  test('unless it is allowed, for that field or for all', () => {
    const from = typeOf('__u32 a; struct { __u32 x; __u32 y; } s; __u32 b;');
    const to = typeOf('struct { __u32 x; } s; __u32 b;');
    expect(compileConversion(from, to, { allowDropped: ['a'] }).problems).toEqual(['s.y: dropped (__u32)']);
    expect(through(from, to, { a: 1, s: { x: 2, y: 3 }, b: 4 }, { allowDropped: ['a', 's'] })).toEqual({
      s: { x: 2 },
      b: 4,
    });
    expect(through(from, to, { a: 1, s: { x: 2, y: 3 }, b: 4 }, { allowDropped: true })).toEqual({
      s: { x: 2 },
      b: 4,
    });
  });
});

test('layouts that differ in names of types alone are the same', () => {
  const conversion = compileConversion(
    typeOf('__u32 a; __u64 b;'),
    typeOf('unsigned int a; unsigned long b;'),
  );
  expect(conversion).toMatchObject({ same: true, differences: [], problems: [] });
});

test('the integers of a field', () => {
  const type = typeOf('__u32 a; struct { __u64 x; int y[2][2]; } s; char name[4]; __u32 bits : 4; _Bool on;');
  expect(integersOf(type, 'a')).toEqual([{ bitOffset: 0, width: 32, signed: false }]);
  expect(integersOf(type, 's.x')).toEqual([{ bitOffset: 64, width: 64, signed: false }]);
  expect(integersOf(type, 's.y')!.map(({ bitOffset }) => bitOffset)).toEqual([128, 160, 192, 224]);
  expect(integersOf(type, 'on')).toEqual([]);
  expect(integersOf(type, 's')).toEqual([]);
  expect(integersOf(type, 'nothing')).toBeUndefined();
  expect(integersOf(type, 'a.b')).toBeUndefined();
});
