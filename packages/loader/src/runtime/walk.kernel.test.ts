import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { mapCreate, possibleCpus } from '../kernel';
import { MapType, mapTypeName, ProgramType } from '../object';
import { BpfMap } from './index';

const count = 20_000;

/** Numbers that look random and are the same in each run. */
function* numbers(): Generator<number> {
  for (let state = 1; ;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state;
  }
}

const noPrealloc = 1;

/** A full map with keys of 8 bytes: an index of 32 bits and zeros, or a network of any length. */
function filled(type: number): { map: BpfMap; keys: Uint8Array[] } {
  const indexed = type === MapType.array || type === MapType.percpu_array;
  const map = new BpfMap(
    mapCreate({
      map_type: type,
      key_size: indexed ? 4 : 8,
      value_size: 8,
      max_entries: count,
      map_flags: type === MapType.lpm_trie ? noPrealloc : 0,
    }),
  );
  const random = numbers();
  const keys = Array.from({ length: count }, (_, i) => {
    const words =
      type === MapType.lpm_trie
        ? [1 + ((random.next().value as number) % 32), random.next().value as number]
        : [i, 0];
    return new Uint8Array(Uint32Array.from(words).buffer).slice(0, map.keySize);
  });
  map.raw.updateBatch(keys.map((key) => [key, new Uint8Array(map.raw.valueSize)]));
  return { map, keys };
}

const text = (key: Uint8Array) => Buffer.from(key).toString('hex');

kernelSuite('walks over maps', () => {
  test.each(
    [
      MapType.hash,
      MapType.lru_hash,
      MapType.percpu_hash,
      MapType.lru_percpu_hash,
      MapType.array,
      MapType.percpu_array,
      MapType.lpm_trie,
    ].map((type) => [mapTypeName(type), type] as const),
  )('a large %s: every element once, by elements and by keys', (_, type) => {
    const { map } = filled(type);
    const seen = [...map.raw.entries()].map(([key]) => text(key));
    const keys = [...map.raw.keys()].map(text);
    // A full LRU map drops some while it is filled; in the trie some networks are the same.
    expect(seen.length).toBeGreaterThan(count / 2);
    if (type === MapType.hash || type === MapType.array) expect(seen.length).toBe(count);
    expect(new Set(seen).size).toBe(seen.length);
    expect(keys.sort()).toEqual(seen.sort());
    map.close();
  });

  test.each(
    [MapType.hash, MapType.lru_hash, MapType.percpu_hash, MapType.lpm_trie].map(
      (type) => [mapTypeName(type), type] as const,
    ),
  )('a %s whose elements are deleted during the walk: what stays comes once, and none twice', (_, type) => {
    const { map } = filled(type);
    const all = [...map.raw.keys()].map(text);
    const deleted = new Set<string>();
    const random = numbers();
    const seen: string[] = [];
    const remove = (key: string): void => {
      if (map.raw.delete(Buffer.from(key, 'hex'))) deleted.add(key);
    };
    for (const { count: found, keys } of map.raw.chunks()) {
      for (let i = 0; i < found; i++) seen.push(text(keys.subarray(i * map.keySize, (i + 1) * map.keySize)));
      // The place that the walk has reached, and others before and behind it.
      remove(seen.at(-1)!);
      for (let i = 0; i < 100; i++) remove(all[(random.next().value as number) % all.length]!);
    }
    expect(deleted.size).toBeGreaterThan(0);
    expect(new Set(seen).size).toBe(seen.length);
    const staying = all.filter((key) => !deleted.has(key));
    const found = new Set(seen);
    expect(staying.filter((key) => !found.has(key))).toEqual([]);
    map.close();
  });

  test('a hash map that is emptied while it is walked by its keys', () => {
    const { map } = filled(MapType.hash);
    let seen = 0;
    for (const key of map.raw.keys()) {
      seen++;
      map.raw.delete(key);
    }
    expect([seen, [...map.raw.keys()].length]).toEqual([count, 0]);
    map.close();
  });

  test('a map without batches (devmap_hash): the keys that were seen do not come again', () => {
    const map = new BpfMap(
      mapCreate({ map_type: MapType.devmap_hash, key_size: 4, value_size: 4, max_entries: 64 }),
    );
    const loopback = Uint8Array.of(1, 0, 0, 0);
    for (let i = 0; i < 40; i++) map.raw.update(Uint8Array.of(i, 0, 0, 0), loopback);
    const seen: number[] = [];
    for (const key of map.raw.keys()) {
      seen.push(key[0]!);
      // Its own place is gone: the kernel starts again at the first.
      if (key[0]! % 4 === 0) map.raw.delete(key);
    }
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect([...map.raw.entries()].length).toBe(30);
    map.close();
  });

  test('a map without batches: empty slots are left out', () => {
    const program = tinyProgram({ type: ProgramType.xdp });
    const map = new BpfMap<number, number>(
      mapCreate({ map_type: MapType.prog_array, key_size: 4, value_size: 4, max_entries: 3 }),
    );
    map.update(1, program.fd);
    expect([...map.entries()]).toEqual([[1, program.id]]);
    map.close();
    program.close();
  });

  test('elements are taken out of a hash map, and only there', () => {
    const { map, keys } = filled(MapType.percpu_hash);
    const taken = [...map.raw.takeAll()];
    expect(taken.map(([key]) => text(key)).sort()).toEqual(keys.map(text).sort());
    expect(taken[0]![1].length).toBe(8 * possibleCpus());
    expect([...map.raw.keys()]).toEqual([]);
    map.close();
    const { map: array } = filled(MapType.array);
    expect(() => [...array.raw.takeAll()]).toThrow(/ENOTSUPP|EOPNOTSUPP|EINVAL/);
    array.close();
  });

  test('batches write and remove, and say where they stop', () => {
    const map = new BpfMap(
      mapCreate({ map_type: MapType.hash, key_size: 4, value_size: 4, max_entries: 10 }),
    );
    const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
    const elements = (n: number) =>
      Array.from({ length: n }, (_, i) => [word(i), word(i)] as [Uint8Array, Uint8Array]);
    expect(map.raw.updateBatch(elements(10))).toBe(10);
    expect(() => map.raw.updateBatch(elements(12))).toThrow(/element 10 of BPF_MAP_UPDATE_BATCH: E2BIG/);
    expect(() => map.raw.updateBatch(elements(1), 'new')).toThrow(/EEXIST/);
    expect(map.raw.updateBatch(elements(3), 'existing')).toBe(3);
    expect(map.raw.deleteBatch([1, 77, 3, 78, 79, 5].map(word))).toBe(3);
    expect([...map.raw.keys()].map((key) => key[0]).sort()).toEqual([0, 2, 4, 6, 7, 8, 9]);
    expect(() => map.raw.updateBatch([[word(1), new Uint8Array(3)]])).toThrow(
      'value: found 3 bytes, expected 4',
    );
    map.close();
  });
});
