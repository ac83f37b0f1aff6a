import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { packet, withObject } from '../../test/runtime-object';
import { loadFile } from './index';

kernelSuite('a loaded object', (kernel) => {
  test('variables are read and written while programs run', () =>
    withObject(
      kernel,
      (collection) => {
        const emit = collection.program('emit');
        const serial = collection.variable<number>('serial');
        const total = collection.variable<{ packets: number; bytes?: number }>('total');
        expect(collection.variable('big').get()).toBe(0x123456789abcdef0n);
        expect(collection.variable('limit').get()).toBe(2);
        const verdicts = [1, 2, 3].map(() => emit.testRun({ data: packet }).returnValue);
        expect(verdicts).toEqual([2, 2, 1]);
        expect([serial.get(), total.get()]).toEqual([3, { packets: 6, bytes: 0 }]);
        serial.set(0);
        total.set({ packets: 100 });
        expect(emit.testRun({ data: packet }).returnValue).toBe(2);
        expect([serial.get(), total.get()]).toEqual([1, { packets: 101, bytes: 0 }]);
        expect(() => collection.variable('limit').set(5)).toThrow(/EPERM|EACCES/);
        expect(() => collection.variable('serial').set(2 ** 32)).toThrow(/serial/);
        expect(() => collection.variable('seria')).toThrow('did you mean serial?');
      },
      { constants: { limit: 2 } },
    ));

  test('variables of a map that cannot be mapped, by lookup and update', () =>
    withObject(
      kernel,
      (collection) => {
        const emit = collection.program('emit');
        const serial = collection.variable<number>('serial');
        expect(collection.map('.bss').flags).toBe(0);
        emit.testRun({ data: packet, repeat: 2 });
        expect(serial.get()).toBe(2);
        serial.set(40);
        emit.testRun({ data: packet });
        expect(serial.get()).toBe(41);
      },
      { mapOverrides: { '.bss': { flags: 0 } } },
    ));

  test('a test run gives back the packet and takes raw arguments', () =>
    withObject(kernel, (collection) => {
      const shrunk = collection.program('shrink').testRun({ data: packet, repeat: 1 });
      expect([shrunk.returnValue, shrunk.data.length]).toEqual([3, 50]);
      expect(collection.program('sum').testRun({ context: [40n, 2n] }).returnValue).toBe(42);
      expect(collection.program('emit').testRun({ data: packet, repeat: 100 }).durationNs).toBeGreaterThan(0);
      expect(() => collection.program('emit').testRun({ data: new Uint8Array(3) })).toThrow(/EINVAL/);
    }));

  test('only what is asked for is loaded: a program and the maps it refers to', () =>
    withObject(
      kernel,
      (collection) => {
        expect([...collection.programs.keys()]).toEqual(['emit']);
        expect([...collection.maps.keys()].sort()).toEqual(['.bss', '.data', '.rodata', 'events', 'per_cpu']);
        expect(collection.map('events').maxEntries).toBe(8192);
        expect(collection.program('emit').testRun({ data: packet }).returnValue).toBe(2);
      },
      { programs: ['emit'], mapOverrides: { events: { maxEntries: 8192 } } },
    ));

  test('a file that is not there', () => {
    expect(() => loadFile(path.join(kernel.directory, 'nothing.o'))).toThrow(
      expect.objectContaining({ code: 'FILE' }),
    );
  });
});
