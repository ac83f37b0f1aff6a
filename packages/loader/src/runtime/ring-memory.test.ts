import { expect, test } from 'vitest';
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
  return { memory, write, commit: (at: number, length: number) => view.setUint32(at, length, true) };
}

test('records come in order, and each once', () => {
  const { memory, write } = ring();
  expect(memory.next()).toBeUndefined();
  write([1, 2, 3]);
  write([4]);
  expect(memory.pending).toBe(32);
  expect([memory.next(), memory.next(), memory.next()]).toEqual([
    Uint8Array.of(1, 2, 3),
    Uint8Array.of(4),
    undefined,
  ]);
  expect(memory.pending).toBe(0);
});

test('a record that wraps is whole', () => {
  const { memory, write } = ring();
  const long = Array.from({ length: 36 }, (_, i) => i);
  for (let round = 0; round < 5; round++) {
    write(long);
    expect([...memory.next()!]).toEqual(long);
  }
});

test('a discarded record is passed over', () => {
  const { memory, write } = ring();
  write([1], 0x40000000);
  write([2]);
  expect(memory.next()).toEqual(Uint8Array.of(2));
});

test('a record that is still being written holds up those behind it', () => {
  const { memory, write, commit } = ring();
  const busy = write([1], 0x80000000);
  write([2]);
  expect(memory.next()).toBeUndefined();
  commit(busy, 1);
  expect([memory.next(), memory.next()]).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
});
