import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { closeFd, mapCreate, mapInfo, objectGet, pinObject, Rename, renameFlags } from '../kernel';
import { preparePin, replacePin, unpin } from './index';

kernelSuite('pins', (kernel) => {
  const create = () => mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1 });

  test('a pin is replaced in one step', () => {
    const pin = path.join(kernel.bpffs, 'one');
    const maps = [create(), create()];
    for (const map of maps) {
      replacePin(map, 'map', pin);
      const opened = objectGet(pin);
      expect(mapInfo(opened).id).toBe(mapInfo(map).id);
      closeFd(opened);
    }
    expect(readdirSync(kernel.bpffs).filter((name) => name.startsWith('new__'))).toEqual([]);
    expect(unpin(pin)).toBe(true);
    expect(unpin(pin)).toBe(false);
    maps.forEach(closeFd);
  });

  test('directories are made, for their owner alone', () => {
    preparePin(path.join(kernel.bpffs, 'a', 'b', 'pin'));
    expect(existsSync(path.join(kernel.bpffs, 'a', 'b'))).toBe(true);
    rmdirSync(path.join(kernel.bpffs, 'a', 'b'));
    rmdirSync(path.join(kernel.bpffs, 'a'));
  });

  test('a name with a dot, and a path that is not on a bpffs', () => {
    expect(() => preparePin(path.join(kernel.bpffs, 'edge.rodata'))).toThrow("call it 'edge_rodata'");
    expect(() => preparePin(path.join(kernel.bpffs, 'v1.2', 'maps', 'hits'))).toThrow("call it 'v1_2'");
    expect(() => preparePin(path.join(kernel.directory, 'x', 'pin'))).toThrow('is not on a bpf file system');
    expect(existsSync(path.join(kernel.directory, 'x'))).toBe(false);
    expect(() => unpin('/etc/hostname')).toThrow('not removed');
  });

  test('names on a bpffs are exchanged, or renamed without replacing', () => {
    const [a, b] = [path.join(kernel.bpffs, 'a'), path.join(kernel.bpffs, 'b')];
    const maps = [create(), create()];
    pinObject(maps[0]!, 'map', a);
    pinObject(maps[1]!, 'map', b);
    expect(renameFlags(a, b, Rename.NOREPLACE)).toBe(-17);
    expect(renameFlags(a, b, Rename.EXCHANGE)).toBe(0);
    const opened = objectGet(a);
    expect(mapInfo(opened).id).toBe(mapInfo(maps[1]!).id);
    closeFd(opened);
    unpin(a);
    expect(renameFlags(b, a, Rename.NOREPLACE)).toBe(0);
    unpin(a);
    maps.forEach(closeFd);
  });

  test('a taken name', () => {
    const pin = path.join(kernel.bpffs, 'taken');
    const map = create();
    pinObject(map, 'map', pin);
    expect(() => pinObject(map, 'map', pin)).toThrow('EEXIST');
    unpin(pin);
    closeFd(map);
  });
});
