import { expect, test } from 'vitest';
import { RingBacklog } from './ring-backlog';
import { RingMemory } from './ring-memory';

const page = 64;
const dataSize = 64;

/** A ring as the kernel would have left it: memory whose second copy of the data is the first's. */
function ring() {
  const consumer = new Uint8Array(page);
  const producer = new Uint8Array(page + 2 * dataSize);
  const memory = new RingMemory(consumer, producer, dataSize, page);
  let position = 0;
  const view = new DataView(producer.buffer);
  const write = (bytes: number[], flags = 0) => {
    const at = position % dataSize;
    const put = (offset: number, action: (offset: number) => void) => {
      action(page + (offset % dataSize));
      action(page + (offset % dataSize) + dataSize);
    };
    put(at, (offset) => view.setUint32(offset, (bytes.length | flags) >>> 0, true));
    bytes.forEach((byte, i) => put(at + 8 + i, (offset) => view.setUint8(offset, byte)));
    position += Math.ceil((bytes.length + 8) / 8) * 8;
    view.setBigUint64(0, BigInt(position), true);
    return page + at;
  };
  const next = () => {
    if (!memory.next()) return undefined;
    const bytes = new Uint8Array(
      memory.view.buffer,
      memory.view.byteOffset + memory.start,
      memory.length,
    ).slice();
    memory.release();
    return bytes;
  };
  return {
    memory,
    next,
    consumer,
    write,
    commit: (at: number, length: number) => view.setUint32(at, length, true),
  };
}

test('records come in order, and each once', () => {
  const { next, memory, write } = ring();
  expect(next()).toBeUndefined();
  write([1, 2, 3]);
  write([4]);
  expect(memory.pending).toBe(32);
  expect([next(), next(), next()]).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4), undefined]);
  expect(memory.pending).toBe(0);
});

test('a record that wraps is whole', () => {
  const { next, write } = ring();
  const long = Array.from({ length: 36 }, (_, i) => i);
  for (let round = 0; round < 5; round++) {
    write(long);
    expect([...next()!]).toEqual(long);
  }
});

test('a discarded record is passed over', () => {
  const { next, write } = ring();
  write([1], 0x40000000);
  write([2]);
  expect(next()).toEqual(Uint8Array.of(2));
});

test('a record that is still being written holds up those behind it', () => {
  const { next, write, commit } = ring();
  const busy = write([1], 0x80000000);
  write([2]);
  expect(next()).toBeUndefined();
  commit(busy, 1);
  expect([next(), next()]).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
});

test('what is read is given back when it is released, or on the way when it is much', () => {
  const { memory, consumer, write } = ring();
  const given = () => new DataView(consumer.buffer).getBigUint64(0, true);
  write([1]);
  write([2]);
  expect([memory.next(), given(), memory.pending]).toEqual([true, 0n, 16]);
  expect([memory.next(), given(), memory.pending]).toEqual([true, 16n, 0]);
  expect([memory.next(), given()]).toEqual([false, 32n]);
  memory.release();
  expect(given()).toBe(32n);
});

test('a backlog copies whole records, passes over discarded ones and stops at one that is not finished', () => {
  const { memory, consumer, write, commit } = ring();
  const backlog = new RingBacklog(memory, 4 * dataSize);
  const next = () => (backlog.next() ? backlog.view.getUint8(backlog.start) : undefined);
  write([1]);
  write([9], 0x40000000);
  write([2]);
  const busy = write([3], 0x80000000);
  expect(next()).toBe(1);
  // Up to the one that is not finished, everything is given back.
  expect(new DataView(consumer.buffer).getBigUint64(0, true)).toBe(48n);
  write([4]);
  expect([next(), next(), backlog.pending]).toEqual([2, undefined, 32]);
  commit(busy, 1);
  expect([next(), next(), next(), backlog.pending]).toEqual([3, 4, undefined, 0]);
  for (let i = 10; i <= 99; i++) {
    write([i]);
    if (i % 3 === 0) expect([next(), next(), next()]).toEqual([i - 2, i - 1, i]);
  }
});

test.each([2 ** 32 - 32, 2 ** 31 - 32, 2 ** 40 - 32])('positions grow beyond 32 bits: from %i', (start) => {
  const consumer = new Uint8Array(page);
  const producer = new Uint8Array(page + 2 * dataSize);
  const position = (pages: Uint8Array) => new BigUint64Array(pages.buffer, 0, 1);
  position(consumer)[0] = BigInt(start);
  position(producer)[0] = BigInt(start);
  const memory = new RingMemory(consumer, producer, dataSize, page);
  const view = new DataView(producer.buffer, page);
  for (let at = start; at < start + 128; at += 16) {
    view.setUint32(at % dataSize, 1, true);
    view.setUint8((at % dataSize) + 8, (at - start) / 16);
    position(producer)[0] = BigInt(at + 16);
    expect([memory.pending, memory.next(), memory.pending]).toEqual([16, true, 0]);
    expect(memory.view.getUint8(memory.start)).toBe((at - start) / 16);
    memory.release();
    expect(position(consumer)[0]).toBe(BigInt(at + 16));
  }
});
