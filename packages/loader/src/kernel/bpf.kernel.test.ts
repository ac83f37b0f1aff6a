import { expect, test } from 'vitest';
import {
  closeFd,
  mapBatch,
  mapCreate,
  mapDelete,
  mapFreeze,
  mapLookup,
  mapNextKey,
  mapUpdate,
  programLoad,
  testRun,
  allIds,
} from './index';
import { kernelSuite } from '../../../../tools/testing/kernel';

kernelSuite('bpf(2)', () => {
  test('a hash map is created, written, read, walked and emptied', () => {
    const fd = mapCreate({ map_type: 1, key_size: 4, value_size: 8, max_entries: 16, map_name: 'nxb_t1' });
    expect(fd).toBeGreaterThan(0);
    const key = Uint8Array.of(1, 0, 0, 0);
    const value = new Uint8Array(8);
    expect(mapLookup(fd, key, value)).toBe(false);
    mapUpdate(fd, key, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(mapLookup(fd, key, value)).toBe(true);
    expect([...value]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const next = new Uint8Array(4);
    expect(mapNextKey(fd, undefined, next)).toBe(true);
    expect([...next]).toEqual([1, 0, 0, 0]);
    expect(mapNextKey(fd, next, next)).toBe(false);
    const keys = new Uint8Array(64);
    const values = new Uint8Array(128);
    expect(mapBatch('BPF_MAP_LOOKUP_BATCH', fd, { keys, values, count: 16, out: new Uint8Array(8) })).toEqual(
      {
        count: 1,
        error: -2,
      },
    );
    expect(mapDelete(fd, key)).toBe(true);
    expect(mapDelete(fd, key)).toBe(false);
    mapFreeze(fd);
    expect(() => mapUpdate(fd, key, value)).toThrow('EPERM');
    expect(allIds('map').length).toBeGreaterThan(0);
    closeFd(fd);
  });

  test('a program loads and runs', () => {
    const insns = Buffer.from('b7000000020000009500000000000000', 'hex');
    const { result } = programLoad({ prog_type: 6, insns, insn_cnt: 2, license: 'GPL', prog_name: 'nxb_t2' });
    expect(result).toBeGreaterThan(0);
    expect(testRun(result, { data: new Uint8Array(64) }).returnValue).toBe(2);
    closeFd(result);
  });
});
