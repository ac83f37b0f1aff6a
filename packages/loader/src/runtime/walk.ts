import {
  Errno,
  failure,
  mapBatch,
  mapLookup,
  mapLookupAndDelete,
  mapNextKey,
  type BatchCommand,
} from '../kernel';
import { MapType } from '../object';
import { compareNetworks } from './lpm-order';
import { isIndexed } from './map-types';

/** Bytes of keys and values that a walk asks for at once. */
const chunkBytes = 512 * 1024;

/** What a walk has to know of a map. `valueSize` is that of system calls: all CPUs of a per-CPU map. */
export interface WalkedMap {
  readonly fd: () => number;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

/**
 * Some elements of a map as bytes: keys and values one after the other. The next chunk of the same walk is read into
 * the same memory: copy what is to be kept.
 */
export interface RawChunk {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** Types that the kernel walks by buckets: what comes and goes in others does not move its place. */
const bucketTypes: ReadonlySet<number> = new Set([
  MapType.hash,
  MapType.lru_hash,
  MapType.percpu_hash,
  MapType.lru_percpu_hash,
  MapType.hash_of_maps,
]);

/**
 * Every element, thousands with each system call (BPF_MAP_LOOKUP_BATCH, Linux 5.6), or one by one where the kernel has
 * no batches for this type of map. The memory is that of one chunk, however large the map.
 *
 * An element that is in the map during the whole walk comes exactly once, whatever else is deleted or added meanwhile;
 * of what comes or goes some is seen. How that is kept depends on the type:
 * - hash maps: a batch goes on at a bucket, which does not move;
 * - arrays: at an index;
 * - LPM tries: from a key that is gone by now the kernel starts again at the first; it walks in a fixed order, so what
 *   lies before the place that was reached is passed over;
 * - others (sockhash, devmap_hash, and any hash map without batches) are started again in the same way, and the keys
 *   that were seen are remembered. There the walk ends after as many restarts as the map has room for.
 *
 * @param command also takes the elements out, with BPF_MAP_LOOKUP_AND_DELETE_BATCH
 * @throws BpfError SYSCALL_FAILED
 */
export function* walk(
  map: WalkedMap,
  command: 'BPF_MAP_LOOKUP_BATCH' | 'BPF_MAP_LOOKUP_AND_DELETE_BATCH' = 'BPF_MAP_LOOKUP_BATCH',
): Generator<RawChunk> {
  const batches = new BatchReader(map, command);
  const first = batches.read();
  if (first === undefined) {
    yield* oneByOne(map, command === 'BPF_MAP_LOOKUP_BATCH' ? mapLookup : mapLookupAndDelete);
    return;
  }
  const place = bucketTypes.has(map.type) ? undefined : placeOf(map);
  for (let chunk: RawChunk | undefined = first; chunk !== undefined; chunk = batches.read()) {
    const fresh = place === undefined ? chunk : onlyNew(map, chunk, place);
    if (fresh.count > 0) yield fresh;
    if (batches.finished || place?.lost === true) return;
  }
}

/** Every key: as {@link walk}. */
export function* walkKeys(map: WalkedMap): Generator<Uint8Array> {
  if (!bucketTypes.has(map.type)) {
    yield* nextKeys(map);
    return;
  }
  const { keySize } = map;
  for (const { count, keys } of walk(map)) {
    for (let i = 0; i < count; i++) yield keys.slice(i * keySize, (i + 1) * keySize);
  }
}

/** Every key, with a system call for each (BPF_MAP_GET_NEXT_KEY). */
function* nextKeys(map: WalkedMap): Generator<Uint8Array> {
  const place = placeOf(map);
  let previous: Uint8Array | undefined;
  for (;;) {
    const next = new Uint8Array(map.keySize);
    if (!mapNextKey(map.fd(), previous, next)) return;
    if (place === undefined || place.isNew(next)) yield next;
    if (place?.lost === true) return;
    previous = next;
  }
}

/** Chunks of a map without batches; what is gone by the time it is looked up is left out. */
function* oneByOne(
  map: WalkedMap,
  read: (fd: number, key: Uint8Array, value: Uint8Array) => boolean,
): Generator<RawChunk> {
  const { keySize, valueSize } = map;
  const room = Math.max(1, Math.min(256, map.maxEntries));
  const keys = new Uint8Array(room * keySize);
  const values = new Uint8Array(room * valueSize);
  let count = 0;
  for (const key of nextKeys(map)) {
    if (!read(map.fd(), key, values.subarray(count * valueSize, (count + 1) * valueSize))) continue;
    keys.set(key, count++ * keySize);
    if (count < room) continue;
    yield { count, keys, values };
    count = 0;
  }
  if (count > 0) yield { count, keys, values };
}

/** Reads one batch after the other into the same memory, which grows where a bucket is longer. */
class BatchReader {
  /** Whether the last batch was the last one. */
  finished = false;
  private count: number;
  private keys: Uint8Array;
  private values: Uint8Array;
  /** A bucket number in hash maps, a key in others. */
  private place: Uint8Array;
  private next: Uint8Array;
  private started = false;

  constructor(
    private readonly map: WalkedMap,
    private readonly command: BatchCommand,
  ) {
    const { keySize, valueSize, maxEntries } = map;
    this.count = Math.max(1, Math.min(maxEntries, Math.ceil(chunkBytes / (keySize + valueSize))));
    this.keys = new Uint8Array(this.count * keySize);
    this.values = new Uint8Array(this.count * valueSize);
    this.place = new Uint8Array(Math.max(4, keySize));
    this.next = new Uint8Array(this.place.length);
  }

  /** @returns undefined where the kernel has no batches for this type of map */
  read(): RawChunk | undefined {
    for (;;) {
      const { keys, values, count, place, next } = this;
      const batch = { keys, values, count, in: this.started ? place : undefined, out: next };
      const { count: done, error } = mapBatch(this.command, this.map.fd(), batch);
      // A bucket of a hash map is read as a whole: this one is longer than the room for it.
      if (error === -Errno.ENOSPC && done === 0) {
        this.grow();
        continue;
      }
      if (!this.started && unsupported(error)) return undefined;
      if (error < 0 && error !== -Errno.ENOENT && error !== -Errno.ENOSPC) {
        throw failure(this.command, error);
      }
      this.finished = error === -Errno.ENOENT;
      this.started = true;
      [this.place, this.next] = [next, place];
      return { count: done, keys, values };
    }
  }

  private grow(): void {
    this.count *= 2;
    this.keys = new Uint8Array(this.count * this.map.keySize);
    this.values = new Uint8Array(this.count * this.map.valueSize);
  }
}

/** Which keys of a walk that may start again are new. */
interface Place {
  isNew(key: Uint8Array): boolean;
  /** Whether it was started again too often. */
  readonly lost: boolean;
}

/** Undefined for arrays, whose indices are never gone. */
function placeOf(map: WalkedMap): Place | undefined {
  if (isIndexed(map.type)) return undefined;
  return map.type === MapType.lpm_trie ? new OrderedPlace() : new SeenKeys(map.maxEntries);
}

class OrderedPlace implements Place {
  readonly lost = false;
  private last: Uint8Array | undefined;

  isNew(key: Uint8Array): boolean {
    if (this.last !== undefined && compareNetworks(key, this.last) <= 0) return false;
    this.last = key.slice();
    return true;
  }
}

class SeenKeys implements Place {
  private readonly seen = new Set<string>();
  private restarts = 0;
  private inside = true;

  constructor(private readonly limit: number) {}

  get lost(): boolean {
    return this.restarts > this.limit;
  }

  isNew(key: Uint8Array): boolean {
    const text = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
    const isNew = !this.seen.has(text);
    if (!isNew && this.inside) this.restarts++;
    this.inside = isNew;
    if (isNew) this.seen.add(text);
    return isNew;
  }
}

/** The chunk without what was there before: the elements that stay are moved together. */
function onlyNew({ keySize, valueSize }: WalkedMap, chunk: RawChunk, place: Place): RawChunk {
  const { keys, values } = chunk;
  let count = 0;
  for (let i = 0; i < chunk.count; i++) {
    if (!place.isNew(keys.subarray(i * keySize, (i + 1) * keySize))) continue;
    if (i !== count) {
      keys.copyWithin(count * keySize, i * keySize, (i + 1) * keySize);
      values.copyWithin(count * valueSize, i * valueSize, (i + 1) * valueSize);
    }
    count++;
  }
  return { count, keys, values };
}

/** ENOTSUPP for a type of map without batches, EINVAL from kernels before 5.6 (an unknown command). */
export function unsupported(error: number): boolean {
  return error === -Errno.ENOTSUPP || error === -Errno.EOPNOTSUPP || error === -Errno.EINVAL;
}
