import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { packet, withObject } from '../../test/runtime-object';
import { possibleCpus } from '../kernel';
import { BpfMap, Program } from './index';

kernelSuite('maps', (kernel) => {
  test('a hash map holds C structs', () =>
    withObject(kernel, (collection) => {
      const flows = collection.map<number, { packets: number | bigint; bytes?: number }>('flows');
      expect(flows.lookup(7)).toBeUndefined();
      flows.update(7, { packets: 1, bytes: 2 });
      flows.update(8, { packets: 2n ** 60n });
      expect(flows.lookup(7)).toEqual({ packets: 1, bytes: 2 });
      expect([...flows.entries()].sort(([a], [b]) => a - b)).toEqual([
        [7, { packets: 1, bytes: 2 }],
        [8, { packets: 2n ** 60n, bytes: 0 }],
      ]);
      expect([...flows.keys()].sort()).toEqual([7, 8]);
      expect([flows.delete(7), flows.delete(7)]).toEqual([true, false]);
      expect(flows.raw.lookup(Uint8Array.of(8, 0, 0, 0))?.[7]).toBe(0x10);
    }));

  test('errors of a map say which map, and why', () =>
    withObject(kernel, (collection) => {
      const flows = collection.map<unknown, unknown>('flows');
      for (let key = 0; key < 4; key++) flows.update(key, {});
      expect(() => flows.update(4, {})).toThrow(
        /^map 'flows': BPF_MAP_UPDATE_ELEM: E2BIG .*it has room for 4 elements/,
      );
      expect(() => flows.update(3, {}, 'new')).toThrow(/EEXIST .*an element with this key already/);
      expect(() => flows.update(9, {}, 'existing')).toThrow(/ENOENT .*no element with this key/);
      expect(() => flows.update(-1, {})).toThrow(/map 'flows': key/);
      expect(() => flows.update(1, { packet: 1 })).toThrow(/packets/);
      expect(() => flows.raw.lookup(new Uint8Array(3))).toThrow(
        "map 'flows': key: found 3 bytes, expected 4",
      );
      expect(() => collection.map('flow')).toThrow('did you mean flows?');
      flows.close();
      flows.close();
      expect(() => flows.lookup(1)).toThrow("map 'flows': used after it was closed");
    }));

  test('per-CPU values are a list, and the program writes its CPU', () =>
    withObject(kernel, (collection) => {
      const perCpu = collection.map<number, number[]>('per_cpu');
      const zeros = new Array<number>(possibleCpus()).fill(0);
      expect(perCpu.lookup(0)).toEqual(zeros);
      collection.program('emit').testRun({ data: packet });
      expect(perCpu.lookup(0)?.reduce((sum, value) => sum + value)).toBe(1);
      perCpu.update(
        1,
        zeros.map((_, cpu) => cpu + 5),
      );
      expect(perCpu.lookup(1)).toEqual(zeros.map((_, cpu) => cpu + 5));
    }));

  test('an LPM trie takes networks and finds the longest', () =>
    withObject(kernel, (collection) => {
      const blocked = collection.map<unknown, number>('blocked');
      blocked.update('10.0.0.0/8', 1);
      blocked.update({ prefixlen: 16, address: [10, 1, 0, 0] }, 2);
      expect([blocked.lookup('10.9.0.1'), blocked.lookup('10.1.0.1'), blocked.lookup('11.0.0.1')]).toEqual([
        1,
        2,
        undefined,
      ]);
      expect([...blocked.keys()]).toContainEqual({ prefixlen: 8, address: [10, 0, 0, 0] });
    }));

  test('a queue gives back in order', () =>
    withObject(kernel, (collection) => {
      const queue = collection.map<never, Uint8Array>('queue');
      queue.push(Uint8Array.of(1, 0, 0, 0));
      queue.push(Uint8Array.of(2, 0, 0, 0));
      expect(() => queue.push(Uint8Array.of(3, 0, 0, 0))).toThrow(/E2BIG/);
      expect([queue.pop()?.[0], queue.pop()?.[0], queue.pop()]).toEqual([1, 2, undefined]);
    }));

  test('a map opened from its pin or by its id knows its types', () =>
    withObject(kernel, (collection) => {
      const pin = path.join(kernel.bpffs, 'flows');
      const flows = collection.map('flows');
      flows.update(1, { packets: 9 });
      flows.pin(pin);
      const opened = BpfMap.open(pin);
      const byId = BpfMap.byId(flows.id);
      expect([opened.lookup(1), byId?.lookup(1)]).toEqual([
        { packets: 9, bytes: 0 },
        { packets: 9, bytes: 0 },
      ]);
      expect(() => Program.open(pin)).toThrow('does not hold a program: found a map, expected a program');
      expect(() => flows.pin(path.join(kernel.directory, 'flows'))).toThrow(
        expect.objectContaining({ code: 'NO_BPFFS' }),
      );
      opened.close();
      byId?.close();
      spawnSync('rm', [pin]);
      expect(() => BpfMap.open(pin)).toThrow(expect.objectContaining({ code: 'PIN_NOT_FOUND' }));
    }));
});
