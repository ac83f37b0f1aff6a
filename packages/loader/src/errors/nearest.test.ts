import { expect, test } from 'vitest';
import { nearest } from './nearest';

test('the nearest known names come first, far ones not at all', () => {
  expect(nearest('max_entires', ['type', 'max_entries', 'map_flags'])).toEqual(['max_entries']);
  expect(nearest('kprob', ['kprobe', 'uprobe', 'xdp'])).toEqual(['kprobe', 'uprobe']);
  expect(nearest('zzz', ['kprobe', 'xdp'])).toEqual([]);
});

test('two swaps, one after the other, are found although rows between them look worse', () => {
  expect(nearest('abdcfe', ['abcdef', 'fedcba'])).toEqual(['abcdef']);
  expect(nearest('hcsed_process_exec', ['sched_process_exec', 'sched_process_exit'])).toEqual([
    'sched_process_exec',
    'sched_process_exit',
  ]);
});
