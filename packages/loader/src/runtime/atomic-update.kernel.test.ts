import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { type BpfError } from '../errors';
import { mapCreate, possibleCpus, succeeded } from '../kernel';
import { MapType } from '../object';
import { BpfMap, updateAtomically } from '.';

kernelSuite('updateAtomically', () => {
  const mapOf = (type: number, keySize: number, valueSize: number, flags = 0, maxEntries = 2000): BpfMap => {
    const attributes = { map_type: type, key_size: keySize, value_size: valueSize };
    const fd = mapCreate({ ...attributes, max_entries: maxEntries, map_flags: flags });
    return new BpfMap(succeeded(fd, 'create'));
  };
  const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
  const u64s = (...values: bigint[]): Uint8Array => new Uint8Array(BigUint64Array.from(values).buffer);

  test('adds to fields of 8 and 4 bytes of more entries than one run takes, and counts the missing', () => {
    const map = mapOf(MapType.hash, 4, 24);
    for (let key = 0; key < 1000; key++)
      map.raw.update(u32(key), u64s(BigInt(key), 7n, 0xffff_ffff_0000_0001n));
    const additions = Array.from({ length: 1001 }, (_, key) => ({ key: u32(key), operands: [1000n, -2n] }));
    const fields = [
      { offset: 0, size: 8, operation: 'add' },
      { offset: 16, size: 4, operation: 'add' },
    ] as const;
    expect(updateAtomically(map, fields, additions)).toEqual({ found: 1000, missing: 1, conflicts: 0 });
    expect(map.raw.lookup(u32(999))).toEqual(u64s(1999n, 7n, 0xffff_ffff_ffff_ffffn));
    expect(map.raw.lookup(u32(1000))).toBeUndefined();
    map.close();
  });

  test('a longest-prefix trie, whose programs may not sleep', () => {
    const map = mapOf(MapType.lpm_trie, 8, 8, 1);
    const key = Uint8Array.of(8, 0, 0, 0, 10, 0, 0, 0);
    map.raw.update(key, u64s(1n));
    updateAtomically(map, [{ offset: 0, size: 8, operation: 'add' }], [{ key, operands: [2n ** 63n] }]);
    expect(map.raw.lookup(key)).toEqual(u64s(2n ** 63n + 1n));
    map.close();
  });

  test('the value of one CPU', () => {
    const map = mapOf(MapType.percpu_hash, 4, 8);
    const cpus = possibleCpus();
    map.raw.update(u32(1), u64s(...new Array<bigint>(cpus).fill(5n)));
    const cpu = cpus - 1;
    expect(
      updateAtomically(
        map,
        [{ offset: 0, size: 8, operation: 'add' }],
        [{ key: u32(1), cpu, operands: [3n] }],
      ).found,
    ).toBe(1);
    const wanted = new Array<bigint>(cpus).fill(5n);
    wanted[cpu] = 8n;
    expect(map.raw.lookup(u32(1))).toEqual(u64s(...wanted));
    map.close();
  });

  test('words are exchanged where what is expected is there, and nothing beside them is written', () => {
    const map = mapOf(MapType.hash, 4, 264);
    const value = (word: bigint): Uint8Array => {
      const bytes = new Uint8Array(264).fill(0xee);
      for (let i = 0; i < 32; i++) bytes.set(u64s(word), 8 * i);
      return bytes;
    };
    for (let key = 0; key < 600; key++) map.raw.update(u32(key), value(key % 2 === 0 ? 5n : 6n));
    // 31 words and the lower half of another.
    const fields = Array.from({ length: 32 }, (_, i) => ({
      offset: 8 * i,
      size: i === 31 ? (4 as const) : (8 as const),
      operation: 'exchange' as const,
    }));
    const operands = fields.map((_, i): [bigint, bigint] => (i === 0 ? [5n, 5n] : [5n, 2n ** 31n]));
    const changes = Array.from({ length: 600 }, (_, key) => ({ key: u32(key), operands }));
    expect(updateAtomically(map, fields, changes)).toEqual({ found: 600, missing: 0, conflicts: 300 * 31 });
    const changed = value(2n ** 31n);
    changed.set(u64s(5n), 0);
    expect(map.raw.lookup(u32(598))).toEqual(changed);
    expect(map.raw.lookup(u32(599))).toEqual(value(6n));
    map.close();
  });

  test('a map that is read-only for programs', () => {
    const map = mapOf(MapType.array, 4, 8, 1 << 7, 1);
    const attempt = (): unknown => updateAtomically(map, [{ offset: 0, size: 8, operation: 'add' }], []);
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'PROGRAM_LOAD_FAILED' } satisfies Partial<BpfError>),
    );
    map.close();
  });
});
