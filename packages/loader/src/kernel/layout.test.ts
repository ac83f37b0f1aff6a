import { expect, test } from 'vitest';
import { decode, encode, layoutSize, type Layout } from './layout';

const layout = {
  number: [0, 'u32'],
  negative: [4, 'i32'],
  big: [8, 'u64'],
  name: [16, 'name'],
  tag: [32, 'tag'],
} as const satisfies Layout;

test('fields are written at their offsets, little endian, the rest stays zero', () => {
  const { bytes } = encode(layout, { number: 0xfffffffe, negative: -2, big: 1n << 40n });
  expect(bytes.length).toBe(40);
  expect(Buffer.from(bytes).toString('hex')).toBe(`feffffff${'feffffff'}0000000000010000${'00'.repeat(24)}`);
});

test('what is written is read back', () => {
  const { bytes } = encode(layout, { number: 7, negative: -1, big: 2n ** 64n - 1n, name: 'hits' });
  bytes.set([0x76, 0xb4, 0x5e, 0xc3, 0xe0, 0xe0, 0xff, 0xc4], 32);
  expect(decode(layout, bytes)).toEqual({
    number: 7,
    negative: -1,
    big: 2n ** 64n - 1n,
    name: 'hits',
    tag: '76b45ec3e0e0ffc4',
  });
});

test('a name is cut to 15 bytes and keeps to the characters that the kernel accepts', () => {
  const name = (text: string) => decode(layout, encode(layout, { name: text }).bytes).name;
  expect(name('edge.rodata')).toBe('edge.rodata');
  expect(name('a-name with:more')).toBe('a_name_with_mor');
  expect(name('0123456789abcdef')).toBe('0123456789abcde');
});

test('pointers: text gets its NUL, no bytes become NULL', () => {
  const pointers = { text: [0, 'pointer'], none: [8, 'pointer'] } as const satisfies Layout;
  const { bytes, references } = encode(pointers, { text: 'GPL', none: new Uint8Array(0) });
  expect(references.map((reference) => Buffer.from(reference).toString())).toEqual(['GPL\0']);
  expect(decode(pointers, bytes)).toEqual({ text: expect.any(BigInt) as bigint, none: 0n });
  expect(decode(pointers, bytes).text).not.toBe(0n);
});

test('a struct is as long as its last field, in whole 8 bytes', () => {
  expect(layoutSize({ a: [0, 'u32'] })).toBe(8);
  expect(layoutSize(layout)).toBe(40);
});
