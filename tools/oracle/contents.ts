import { mapLookup, mapNextKey, type MapInfo } from '../../packages/loader/src/kernel';
import { type Json } from './difference';

/** Map types whose elements can be walked from user space, of `enum bpf_map_type` (include/uapi/linux/bpf.h). */
const walkable = new Set([
  1, // HASH
  2, // ARRAY
  3, // PROG_ARRAY
  5, // PERCPU_HASH
  6, // PERCPU_ARRAY
  9, // LRU_HASH
  10, // LRU_PERCPU_HASH
  11, // LPM_TRIE
  12, // ARRAY_OF_MAPS
  13, // HASH_OF_MAPS
]);
const perCpu = new Set([5, 6, 10]);
const programArray = 3;
const mapsOfMaps = new Set([12, 13]);

/** Names of objects by the ids that slots hold. */
export interface Names {
  readonly program: (id: number) => string;
  readonly map: (id: number) => string;
}

/**
 * The elements of a map: hexadecimal keys and values, slots with the name of what they hold, all-zero values left
 * out. A per-CPU value is the sorted list of what each CPU has, since which CPU it was is chance. `null` where the
 * kernel does not let anybody look.
 */
export function mapContents(fd: number, info: MapInfo, names: Names, cpus: number): Json {
  if (!walkable.has(info.type)) return null;
  const parts = perCpu.has(info.type) ? cpus : 1;
  const partSize = perCpu.has(info.type) ? Math.ceil(info.valueSize / 8) * 8 : info.valueSize;
  const value = new Uint8Array(parts * partSize);
  const elements: [string, Json][] = [];
  for (const key of keys(fd, info.keySize)) {
    // An empty slot of an array has a key, but nothing behind it.
    if (!mapLookup(fd, key, value) || value.every((byte) => byte === 0)) continue;
    elements.push([hex(key), shown(value, partSize, info, names)]);
  }
  return Object.fromEntries(elements.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function* keys(fd: number, size: number): Generator<Uint8Array> {
  const next = new Uint8Array(size);
  for (let key: Uint8Array | undefined; mapNextKey(fd, key, next);) {
    key = next.slice();
    yield key;
  }
}

function shown(value: Uint8Array, partSize: number, info: MapInfo, names: Names): Json {
  const id = () => new DataView(value.buffer).getUint32(0, true);
  if (info.type === programArray) return `program ${names.program(id())}`;
  if (mapsOfMaps.has(info.type)) return `map ${names.map(id())}`;
  if (!perCpu.has(info.type)) return hex(value);
  const parts: string[] = [];
  for (let at = 0; at < value.byteLength; at += partSize) parts.push(hex(value.subarray(at, at + partSize)));
  return parts.sort();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
