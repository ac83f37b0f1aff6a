import { Errno, failure, mapBatch } from '../kernel';

/** Elements per system call at first: some 100 KiB for common sizes. */
const firstCount = 4096;

/** What a walk has to know of a map. `valueSize` is that of system calls: all CPUs of a per-CPU map. */
export interface WalkedMap {
  readonly fd: () => number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

export type Entry = [key: Uint8Array, value: Uint8Array];

/** A part of the elements, and where the next part starts; `next` is undefined after the last. */
interface Part {
  readonly entries: readonly Entry[];
  readonly next: Uint8Array | undefined;
}

/**
 * Every element, thousands with each system call (BPF_MAP_LOOKUP_BATCH, Linux 5.6). Unlike a walk by keys it goes on
 * where it was in a hash map whose elements come and go.
 *
 * @returns undefined where the kernel has no batches for this type of map
 * @throws BpfError SYSCALL_FAILED
 */
export function batchWalk(map: WalkedMap): Generator<Entry> | undefined {
  const first = readPart(map, undefined);
  return first && walkFrom(map, first);
}

function* walkFrom(map: WalkedMap, first: Part): Generator<Entry> {
  let part: Part | undefined = first;
  // In a map that grows meanwhile the walk ends all the same.
  for (let left = map.maxEntries; part !== undefined && left > 0; left -= part.entries.length) {
    yield* part.entries;
    if (part.next === undefined) return;
    part = readPart(map, part.next);
    if (part === undefined) return;
  }
}

function readPart(map: WalkedMap, start: Uint8Array | undefined): Part | undefined {
  const { keySize, valueSize } = map;
  for (let count = Math.min(map.maxEntries, firstCount); ; count *= 2) {
    const keys = new Uint8Array(count * keySize);
    const values = new Uint8Array(count * valueSize);
    // A bucket number in hash maps, a key in others.
    const next = new Uint8Array(Math.max(4, keySize));
    const batch = { keys, values, count, in: start, out: next };
    const { count: done, error } = mapBatch('BPF_MAP_LOOKUP_BATCH', map.fd(), batch);
    // A bucket of a hash map is read as a whole: this one is longer than the room for it.
    if (error === -Errno.ENOSPC) continue;
    if (start === undefined && unsupported(error)) return undefined;
    if (error < 0 && error !== -Errno.ENOENT) throw failure('BPF_MAP_LOOKUP_BATCH', error);
    const entries = Array.from({ length: done }, (_, i): Entry => [
      keys.slice(i * keySize, (i + 1) * keySize),
      values.slice(i * valueSize, (i + 1) * valueSize),
    ]);
    return { entries, next: error === 0 ? next : undefined };
  }
}

/** ENOTSUPP for a type of map without batches, EINVAL from kernels before 5.6 (an unknown command). */
function unsupported(error: number): boolean {
  return error === -Errno.ENOTSUPP || error === -Errno.EOPNOTSUPP || error === -Errno.EINVAL;
}
