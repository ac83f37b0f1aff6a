import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { type BpfError } from '../errors';
import { mapCreate, possibleCpus, succeeded } from '../kernel';
import { MapType } from '../object';
import { addAtomically, BpfMap } from '.';

kernelSuite('addAtomically', () => {
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
    const additions = Array.from({ length: 1001 }, (_, key) => ({ key: u32(key), amounts: [1000n, -2n] }));
    const fields = [
      { offset: 0, size: 8 },
      { offset: 16, size: 4 },
    ] as const;
    expect(addAtomically(map, fields, additions)).toEqual({ added: 1000, missing: 1 });
    expect(map.raw.lookup(u32(999))).toEqual(u64s(1999n, 7n, 0xffff_ffff_ffff_ffffn));
    expect(map.raw.lookup(u32(1000))).toBeUndefined();
    map.close();
  });

  test('a longest-prefix trie, whose programs may not sleep', () => {
    const map = mapOf(MapType.lpm_trie, 8, 8, 1);
    const key = Uint8Array.of(8, 0, 0, 0, 10, 0, 0, 0);
    map.raw.update(key, u64s(1n));
    addAtomically(map, [{ offset: 0, size: 8 }], [{ key, amounts: [2n ** 63n] }]);
    expect(map.raw.lookup(key)).toEqual(u64s(2n ** 63n + 1n));
    map.close();
  });

  test('the value of one CPU', () => {
    const map = mapOf(MapType.percpu_hash, 4, 8);
    const cpus = possibleCpus();
    map.raw.update(u32(1), u64s(...new Array<bigint>(cpus).fill(5n)));
    const cpu = cpus - 1;
    expect(addAtomically(map, [{ offset: 0, size: 8 }], [{ key: u32(1), cpu, amounts: [3n] }]).added).toBe(1);
    const wanted = new Array<bigint>(cpus).fill(5n);
    wanted[cpu] = 8n;
    expect(map.raw.lookup(u32(1))).toEqual(u64s(...wanted));
    map.close();
  });

  test('a map that is read-only for programs', () => {
    const map = mapOf(MapType.array, 4, 8, 1 << 7, 1);
    const attempt = (): unknown => addAtomically(map, [{ offset: 0, size: 8 }], []);
    expect(attempt).toThrow(
      expect.objectContaining({ code: 'PROGRAM_LOAD_FAILED' } satisfies Partial<BpfError>),
    );
    map.close();
  });
});
