import { expect, test } from 'vitest';
import { pageSize, pageSizeIn } from './page-size';

const vector = (...words: bigint[]) => new Uint8Array(BigUint64Array.from(words).buffer);

test('the page size of an auxiliary vector', () => {
  expect(pageSizeIn(vector(3n, 64n, 6n, 65536n, 0n, 0n))).toBe(65536);
  expect(pageSizeIn(vector(0n, 0n))).toBe(4096);
  expect(pageSizeIn(new Uint8Array(7))).toBe(4096);
});

test('of this process: a power of two', () => {
  expect(Math.log2(pageSize()) % 1).toBe(0);
});
