import { describe, expect, test } from 'vitest';
import { btfSample, btfSections } from '../../../../tools/testing/btf';
import { compile } from '../../../../tools/testing/compile';
import { ElfFile } from '../elf';
import { type BpfError } from '../errors';
import { Btf, BtfBuilder, BtfKind, decodeValue, encodeValue, IntEncoding } from '.';

const initialised = `${btfSample}
struct all known = {
  .name = "abc",
  .names = { "wxyz", "v" },
  .inners = { { .low = 5, .high = 21, .number = -3 }, { .number = 0x01020304 } },
  .color = GREEN,
  .wide = WIDE,
  .negative = LOWEST,
  .word = 0x04030201,
  .on = 1,
  .precise = -1.5,
  .coarse = 0.25f,
  .bits = -7,
  .unsigned_bits = 0xabcde,
  .color_bits = BLUE,
  .flag = 1,
  .many_bits = -(1LL << 39),
  .last = 0xfedcba9876543210,
  .huge = ((unsigned __int128)1 << 100) + 1,
};`;

/** What C code above says, as decodeValue shows it; `word` is one number in both byte orders, its bytes are not. */
const expected = {
  name: 'abc',
  names: ['wxyz', 'v'],
  inners: [
    { low: 5, high: 21, number: -3 },
    { low: 0, high: 0, number: 0x01020304 },
  ],
  color: 'GREEN',
  wide: 'WIDE',
  negative: 'LOWEST',
  word: 0x04030201,
  on: true,
  precise: -1.5,
  coarse: 0.25,
  function: 0,
  next: 0,
  bits: -7,
  unsigned_bits: 0xabcde,
  color_bits: 'BLUE',
  flag: true,
  many_bits: -(2 ** 39),
  last: 0xfedcba9876543210n,
  huge: (1n << 100n) + 1n,
  tail: [],
};

describe.each([
  ['little endian', false],
  ['big endian', true],
])('a struct that clang initialised, %s', (_, bigEndian) => {
  const object = compile(initialised, { bigEndian });
  const btf = Btf.parse(btfSections(object).btf);
  const elf = ElfFile.parse(object, { object: 'test.o' });
  const symbol = Array.from({ length: elf.symbols.count }, (__, i) => i).find(
    (i) => elf.symbols.name(i) === 'known',
  )!;
  const id = btf.find('all', BtfKind.STRUCT);
  const data = elf.sections.find((section) => section.index === elf.symbols.section(symbol))!.data;
  const start = elf.symbols.value(symbol);
  const bytes = data.slice(start, start + btf.byteSize(id));

  test('is decoded as the C source says', () => {
    const value = decodeValue(btf, id, bytes, 0, !bigEndian);
    expect(value).toMatchObject(expected);
    expect(value).toMatchObject({ first: bigEndian ? 4 : 1, bytes: bigEndian ? [4, 3, 2, 1] : [1, 2, 3, 4] });
  });

  test('is encoded to the bytes that clang wrote', () => {
    const into = new Uint8Array(bytes.length);
    encodeValue(btf, id, expected, into, 0, { littleEndian: !bigEndian });
    expect(into).toEqual(bytes);
  });

  test('survives decoding and encoding', () => {
    const into = new Uint8Array(bytes.length);
    encodeValue(btf, id, decodeValue(btf, id, bytes, 0, !bigEndian), into, 0, { littleEndian: !bigEndian });
    expect(into).toEqual(bytes);
  });
});

const btf = Btf.parse(btfSections(compile(btfSample)).btf);
const all = btf.find('all', BtfKind.STRUCT);

function encode(id: number, value: unknown): Uint8Array {
  const bytes = new Uint8Array(btf.byteSize(id));
  encodeValue(btf, id, value, bytes, 0, { name: 'config' });
  return bytes;
}

function typedef(name: string): number {
  return btf.find(name, BtfKind.TYPEDEF);
}

describe('what is taken', () => {
  test('integers as number, bigint, decimal and hexadecimal text', () => {
    for (const value of [300, 300n, '300', '0x12c']) {
      expect([...encode(typedef('__u32'), value)]).toEqual([0x2c, 1, 0, 0]);
    }
    expect([...encode(typedef('__u64'), '18446744073709551615')]).toEqual(Array(8).fill(0xff));
    expect([...encode(btf.find('int', BtfKind.INT), '-0x2')]).toEqual([0xfe, 0xff, 0xff, 0xff]);
  });

  test('a number is written as the bigint is, in both byte orders', () => {
    const types = ['signed char', '__u8', '__u16', 'short', '__u32', 'int', '__u64', 'long long'];
    const ids = types
      .map((name) => btf.find(name, BtfKind.TYPEDEF) || btf.find(name, BtfKind.INT))
      .filter((id) => id !== 0);
    expect(ids.length).toBeGreaterThan(3);
    const write = (id: number, value: unknown, littleEndian: boolean): number[] | string => {
      const bytes = new Uint8Array(8);
      try {
        encodeValue(btf, id, value, bytes, 0, { littleEndian });
      } catch (error) {
        return (error as BpfError).code;
      }
      return [...bytes];
    };
    const numbers = [
      0,
      1,
      127,
      128,
      255,
      256,
      32767,
      32768,
      65536,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32,
      2 ** 53 - 1,
    ];
    for (const id of ids) {
      for (const number of numbers
        .flatMap((value) => [value, -value, -value - 1])
        .filter(Number.isSafeInteger)) {
        for (const littleEndian of [true, false]) {
          expect(write(id, number, littleEndian)).toEqual(write(id, `${number}`, littleEndian));
        }
      }
    }
  });

  test('a char as its character, an enum as a number, a pointer as null', () => {
    expect([...encode(btf.find('char', BtfKind.INT), 'A')]).toEqual([65]);
    expect([...encode(btf.find('color', BtfKind.ENUM), 5)]).toEqual([5, 0, 0, 0]);
    expect(encode(all, { next: null })).toEqual(new Uint8Array(btf.byteSize(all)));
  });

  test('any type as its bytes', () => {
    expect([...encode(typedef('__u32'), Uint8Array.of(1, 2, 3, 4))]).toEqual([1, 2, 3, 4]);
  });

  test('part of a struct, the rest stays; text replaces all of its array', () => {
    const bytes = new Uint8Array(btf.byteSize(all)).fill(0xff);
    encodeValue(btf, all, { name: 'x', inners: [{ low: 0 }] }, bytes, 0);
    expect([...bytes.subarray(0, 16)]).toEqual([120, ...Array(15).fill(0)]);
    expect(bytes[24]).toBe(0xf8);
    expect([...bytes.subarray(25)].every((byte) => byte === 0xff)).toBe(true);
  });

  test('a variable of a data section by its name', () => {
    const section = btf.find('.rodata', BtfKind.DATASEC);
    const bytes = new Uint8Array(16);
    encodeValue(btf, section, { first: 7 }, bytes, 0);
    expect(bytes[0]).toBe(7);
  });
});

describe('what does not fit is named with its C type and range', () => {
  test.each<[string, number, unknown, string]>([
    ['too big', typedef('__u8'), 256, "config does not fit its C type '__u8': found 256, expected 0 to 255"],
    ['negative', typedef('__u32'), -1, "'__u32': found -1, expected 0 to 4294967295"],
    ['a fraction', typedef('__u32'), 1.5, 'found 1.5, expected an integer from 0 to 4294967295'],
    ['text', typedef('__u32'), 'many', "found 'many', expected an integer from 0 to 4294967295"],
    ['inexact', typedef('__u64'), 2 ** 63, 'numbers beyond 2^53 are written as text'],
    [
      'a bitfield',
      all,
      { bits: 16 },
      "config.bits does not fit its C type 'long long': found 16, expected -16 to 15",
    ],
    ['deep inside', all, { inners: [{}, { low: 9 }] }, 'config.inners[1].low does not fit'],
    [
      'an enum name',
      all,
      { color: 'GREN' },
      "found 'GREN', expected a name of the enum or an integer; did you mean GREEN?",
    ],
    ['a boolean', all, { on: 2 }, 'expected true or false'],
    [
      'a field name',
      all,
      { colour: 1 },
      "config: 'struct all' has no field: found 'colour'; did you mean color",
    ],
    ['long text', all, { name: 'x'.repeat(17) }, 'expected text of up to 16 bytes in UTF-8, found 17'],
    ['text in a number array', all, { bytes: 'abcd' }, 'config.bytes does not fit'],
    ['a long list', all, { inners: [{}, {}, {}] }, 'expected a list of up to 2 elements'],
    ['a list for a struct', all, [], 'expected an object of its fields'],
    ['nothing', typedef('__u32'), undefined, 'found undefined'],
    ['a wide float', all, { coarse: 1e300 }, 'expected a number up to 3.4028e38'],
    ['wrong length of bytes', typedef('__u32'), new Uint8Array(3), 'found 3 bytes, expected 4 bytes'],
    ['a function', btf.find('one', BtfKind.FUNC), 1, 'expected a type that has values'],
  ])('%s', (_, id, value, message) => {
    const bytes = new Uint8Array(1024);
    const act = (): void => encodeValue(btf, id, value, bytes, 0, { name: 'config' });
    expect(act).toThrow(message);
    try {
      act();
    } catch (error) {
      expect((error as BpfError).code).toBe('CONSTANT_INVALID');
    }
  });

  test('bytes that end too early', () => {
    const u32 = typedef('__u32');
    expect(() => encodeValue(btf, u32, 1, new Uint8Array(3), 0)).toThrow('a value is shorter than its type');
    expect(() => encodeValue(btf, all, { name: 'x' }, new Uint8Array(3), 0)).toThrow(
      'a value is longer than the bytes it goes into',
    );
    expect(() => decodeValue(btf, u32, new Uint8Array(3), 0)).toThrow('found 3 bytes, expected at least 4');
  });
});

describe('what is shown', () => {
  test('is the same however often a type is read', () => {
    const bytes = new Uint8Array(btf.byteSize(all)).map((_, i) => (i * 37) & 0x7f);
    const first = decodeValue(btf, all, bytes, 0);
    let last: unknown;
    for (let i = 0; i < 5000; i++) last = decodeValue(btf, all, bytes, 0);
    expect(last).toEqual(first);
    expect(Object.keys(last as object)).toEqual(Object.keys(first));
  });

  test('a number where it is exact, else bigint', () => {
    const u64 = typedef('__u64');
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 53n - 1n, true);
    expect(decodeValue(btf, u64, bytes, 0)).toBe(2 ** 53 - 1);
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 53n, true);
    expect(decodeValue(btf, u64, bytes, 0)).toBe(2n ** 53n);
  });

  test('an enum value without a name is a number', () => {
    expect(decodeValue(btf, btf.find('color', BtfKind.ENUM), Uint8Array.of(9, 0, 0, 0), 0)).toBe(9);
  });

  test('a char array that is no text is numbers', () => {
    const builder = new BtfBuilder();
    const char = builder.int('char', 1, IntEncoding.SIGNED);
    const array = builder.array(char, builder.int('int', 4, 0), 3);
    const other = Btf.parse(builder.build());
    expect(decodeValue(other, array, Uint8Array.of(0xff, 1, 0), 0)).toEqual([-1, 1, 0]);
    expect(decodeValue(other, array, Uint8Array.of(0xc3, 0xa4, 0), 0)).toBe('ä');
    expect(decodeValue(other, array, Uint8Array.of(65, 66, 67), 0)).toBe('ABC');
  });

  test('a field named __proto__ is a field', () => {
    const builder = new BtfBuilder();
    const int = builder.int('int', 4, IntEncoding.SIGNED);
    const id = builder.struct('s', 4, [{ name: '__proto__', type: int, bitOffset: 0 }]);
    const value = decodeValue(Btf.parse(builder.build()), id, Uint8Array.of(1, 0, 0, 0), 0);
    expect(Object.entries(value)).toEqual([['__proto__', 1]]);
  });

  test('bitfields as old compilers described them: an INT narrower than its size', () => {
    // Before kind_flag the width was only in the INT: this is `struct s { unsigned : 3; unsigned b : 5; }`.
    const strings = [...new TextEncoder().encode('\0bits\0s\0b\0')];
    const int = [1, BtfKind.INT << 24, 4, 5];
    const struct = [6, (BtfKind.STRUCT << 24) | 1, 4, ...[8, 1, 3]];
    const types = [...int, ...struct];
    const header = [0x0001eb9f, 24, 0, 4 * types.length, 4 * types.length, strings.length];
    const bytes = Uint8Array.of(
      ...new Uint8Array(Uint32Array.from([...header, ...types]).buffer),
      ...strings,
    );
    const old = Btf.parse(bytes);
    expect(decodeValue(old, 2, Uint8Array.of(0b10101_111, 0, 0, 0), 0)).toEqual({ b: 0b10101 });
  });
});

describe('addresses as text', () => {
  const btf = Btf.parse(
    btfSections(
      compile(`#define SEC(x) __attribute__((section(x), used))
    struct in_addr { unsigned int s_addr; };
    struct in6 { union { unsigned char u8[16]; unsigned int u32[4]; } u; };
    struct peer {
      unsigned int v4; unsigned char bytes[4]; struct in_addr wrapped;
      unsigned char v6[16]; unsigned int words[4]; struct in6 in6; unsigned char mac[6]; char name[16];
    } peer;
    SEC("xdp") int entry(void *context) { return peer.v4; }`),
    ).btf,
  );
  const id = btf.find('peer', BtfKind.STRUCT);
  const encode = (value: object): Uint8Array => {
    const bytes = new Uint8Array(btf.byteSize(id));
    encodeValue(btf, id, value, bytes, 0, { name: 'peer' });
    return bytes;
  };

  test('are in network order wherever they fit', () => {
    const bytes = encode({
      v4: '10.1.2.3',
      bytes: '10.1.2.3',
      wrapped: '10.1.2.3',
      v6: '2001:db8::1',
      words: '2001:db8::1',
      in6: '2001:db8::1',
      mac: '02:42:ac:11:00:fe',
      name: '::1',
    });
    const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    expect([...bytes.subarray(0, 12)]).toEqual([10, 1, 2, 3, 10, 1, 2, 3, 10, 1, 2, 3]);
    expect([...bytes.subarray(12, 60)]).toEqual([...v6, ...v6, ...v6]);
    expect([...bytes.subarray(60, 66)]).toEqual([2, 0x42, 0xac, 0x11, 0, 0xfe]);
    // Text is text in a char[], though it looks like an address.
    expect(Buffer.from(bytes.subarray(66, 69)).toString()).toBe('::1');
  });

  test.each([
    [{ v6: '10.0.0.1' }, 'an IPv6 address or a list of up to 16 elements'],
    [{ mac: '02:42' }, 'a MAC address or a list of up to 6 elements'],
    [{ wrapped: '::1' }, 'an IPv4 address or an object of its fields'],
    [{ v4: '10.0.0.256' }, 'an integer from 0 to 4294967295'],
  ])('%j is refused: expected %s', (value, expectedText) => {
    expect(() => encode(value)).toThrow(expectedText);
  });
});
