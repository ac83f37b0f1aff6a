import { expect, test } from 'vitest';
import { ByteView } from './byte-view';

const source = { code: 'ELF_MALFORMED', object: 'x', section: '.text' } as const;

test('values of both byte orders, and text', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0x68, 0x69, 0);
  expect(new ByteView(bytes, true, source).u32(0)).toBe(0x04030201);
  expect(new ByteView(bytes, false, source).u32(0)).toBe(0x01020304);
  expect(new ByteView(bytes, true, source).u64(0)).toBe(0x0807060504030201n);
  expect(new ByteView(bytes, true, source).text(8)).toBe('hi');
});

test('every read outside the bytes names section and offset', () => {
  const view = new ByteView(new Uint8Array(4), true, source);
  const reads = [
    () => view.u32(1),
    () => view.u16(-1),
    () => view.slice(0, 5),
    () => view.text(4),
    () => view.u8(NaN),
  ];
  for (const read of reads) expect(read).toThrow("x: section '.text', offset");
  expect(() => new ByteView(Uint8Array.of(65), true, source).text(0)).toThrow('a string does not end');
});

test('what is cut from a Buffer copies when it is sliced', () => {
  const file = Buffer.from([1, 2, 3, 4]);
  const copy = new ByteView(file, true, source).slice(0, 4).slice();
  copy[0] = 9;
  expect(file[0]).toBe(1);
});
