import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { packet, withObject } from '../../test/runtime-object';
import { PinnedObject } from './index';

kernelSuite('pinned objects', (kernel) => {
  test('programs, maps and variables by their pins; types of a map that has none come from another', () =>
    withObject(kernel, (collection) => {
      const directory = path.join(kernel.bpffs, 'agent');
      const maps = path.join(directory, 'maps');
      mkdirSync(maps, { recursive: true });
      for (const name of ['queue', 'flows', '.bss']) {
        collection.map(name).pin(path.join(maps, name.replace('.', '_')));
      }
      collection.program('emit').pin(path.join(directory, 'emit'));
      // The kernel keeps no types of a queue, and this one's neighbour in the description is not pinned.
      const described = { absent: 'struct network', flows: 'struct traffic', queue: '__u32' };
      using pinned = new PinnedObject(directory, described);
      pinned.map<undefined, number>('queue').push(7);
      expect(pinned.map<undefined, number>('queue').pop()).toBe(7);
      pinned.program('emit').testRun({ data: packet });
      expect(pinned.variable<number>('serial', '.bss').get()).toBe(1);
      expect(() => pinned.map('absent')).toThrow(expect.objectContaining({ code: 'PIN_NOT_FOUND' }));
      expect(() => pinned.variable('seria', '.bss')).toThrow('did you mean serial?');

      // A map whose pin is something else: every attempt is refused, not the first alone.
      rmSync(path.join(maps, 'flows'));
      collection.program('emit').pin(path.join(maps, 'flows'));
      using broken = new PinnedObject(directory, described);
      for (let attempt = 0; attempt < 2; attempt++) {
        expect(() => broken.map('queue')).toThrow(expect.objectContaining({ code: 'PIN_INVALID' }));
      }
      rmSync(directory, { recursive: true });
    }));
});
