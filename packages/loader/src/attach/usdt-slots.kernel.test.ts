import { afterEach, beforeEach, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { closeFd, mapCreate, mapInfo, mapUpdate, succeeded, withObject } from '../kernel';
import { MapType } from '../object';
import { rememberedMaps, releaseSlot, takeSlot, type SpecMap } from './usdt-slots';

kernelSuite('slots of a map of argument specs', () => {
  let map: SpecMap;
  beforeEach(() => {
    const sizes = { key_size: 4, value_size: 8, max_entries: 4 };
    const fd = succeeded(mapCreate({ map_type: MapType.array, ...sizes }), 'BPF_MAP_CREATE');
    map = { fd, id: mapInfo(fd).id, maxEntries: 4 };
  });
  afterEach(() => closeFd(map.fd));

  const spec = (value: number) => Uint8Array.of(value, 0, 0, 0, 0, 0, 0, 0);
  const take = (value: number) => takeSlot(map, spec(value));

  test('each spec has one, and those that are equal share it', () => {
    expect([take(7), take(8), take(7)]).toEqual([0, 1, 0]);
  });

  test('a spec of zeros is at the end, and is nobody else’s', () => {
    expect([take(0), take(7), take(0), take(8), take(9)]).toEqual([3, 0, 3, 1, 2]);
    expect(() => take(10)).toThrow('no room for one more probe');
  });

  test('what somebody else put there is shared, and never filled anew', () => {
    mapUpdate(map.fd, Uint8Array.of(2, 0, 0, 0), spec(7));
    expect([take(7), take(8), take(9), take(10)]).toEqual([2, 0, 1, 3]);
    releaseSlot(map, 2);
    expect(() => take(11)).toThrow(expect.objectContaining({ code: 'USDT_UNSUPPORTED' }));
  });

  test('one that no link needs is filled anew once there is no empty one', () => {
    expect([take(7), take(8), take(8)]).toEqual([0, 1, 1]);
    for (const slot of [0, 1]) releaseSlot(map, slot);
    expect([take(9), take(10), take(7)]).toEqual([2, 3, 0]);
    // Slot 1 has one user left.
    expect(() => take(11)).toThrow('no room');
    releaseSlot(map, 1);
    expect(take(11)).toBe(1);
  });

  test('maps that are gone are forgotten when the next one comes', async () => {
    take(7);
    const sizes = { key_size: 4, value_size: 8, max_entries: 4 };
    const create = (): SpecMap => {
      const fd = succeeded(mapCreate({ map_type: MapType.array, ...sizes }), 'BPF_MAP_CREATE');
      return { fd, id: mapInfo(fd).id, maxEntries: 4 };
    };
    const gone = create();
    takeSlot(gone, spec(8));
    expect(rememberedMaps()).toEqual(expect.arrayContaining([map.id, gone.id]));
    closeFd(gone.fd);
    // The kernel frees a map a little after its last fd is closed.
    await expect.poll(() => withObject('map', gone.id, () => true)).toBeUndefined();
    const next = create();
    takeSlot(next, spec(9));
    expect(rememberedMaps()).not.toContain(gone.id);
    expect(rememberedMaps()).toEqual(expect.arrayContaining([map.id, next.id]));
    closeFd(next.fd);
  });
});
