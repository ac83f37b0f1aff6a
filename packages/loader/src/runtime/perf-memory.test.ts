import { expect, test } from 'vitest';
import { PerfMemory } from './perf-memory';

const page = 4096;
const LOST = 2;
const SAMPLE = 9;

/** A buffer of a page as the kernel would have left it. */
function buffer(start: number) {
  const pages = new Uint8Array(2 * page);
  const view = new DataView(pages.buffer);
  const position = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  position(1024, start);
  position(1032, start);
  const memory = new PerfMemory(pages, page);
  let head = start;
  const record = (type: number, body: number[], size = 8 + body.length) => {
    const bytes = [...u32(type), 0, 0, size & 0xff, size >> 8, ...body];
    bytes.forEach((byte, i) => (pages[page + ((head + i) % page)] = byte));
    position(1024, (head += size));
  };
  const next = () => {
    if (!memory.next()) return undefined;
    const { buffer: bytes, byteOffset } = memory.view;
    const value = [...new Uint8Array(bytes, byteOffset + memory.start, memory.length)];
    memory.release();
    return value;
  };
  return { memory, record, next, tail: () => Number(view.getBigUint64(1032, true)), head: () => head };
}

const u32 = (value: number) => [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24];
const u64 = (value: number) => [...u32(value), ...u32(0)];

test('samples in their order, also one that wraps, between records of other kinds', () => {
  const { memory, record, next, tail, head } = buffer(2 * page - 24);
  record(SAMPLE, [...u32(4), 1, 2, 3, 4]);
  record(SAMPLE, [...u32(12), ...Array.from({ length: 12 }, (_, i) => i)]);
  record(LOST, [...u64(1), ...u64(7)]);
  record(1, u64(0));
  record(SAMPLE, [...u32(4), 5, 6, 7, 8]);
  expect(next()).toEqual([1, 2, 3, 4]);
  expect(next()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(memory.lost).toBe(0);
  expect(next()).toEqual([5, 6, 7, 8]);
  expect(memory.lost).toBe(7);
  expect(next()).toBeUndefined();
  expect(tail()).toBe(head());
});

test('a record that is shorter than what it says it holds is passed over', () => {
  const { memory, record, next } = buffer(0);
  record(SAMPLE, [...u32(page), 1, 2, 3, 4]);
  record(LOST, []);
  record(SAMPLE, []);
  record(SAMPLE, [...u32(4), 1, 2, 3, 4]);
  expect(next()).toEqual([1, 2, 3, 4]);
  expect([next(), memory.lost]).toEqual([undefined, 0]);
});
