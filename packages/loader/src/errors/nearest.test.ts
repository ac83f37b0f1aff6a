import { expect, test } from 'vitest';
import { nearest } from './nearest';

test('the nearest known names come first, far ones not at all', () => {
  expect(nearest('max_entires', ['type', 'max_entries', 'map_flags'])).toEqual(['max_entries']);
  expect(nearest('kprob', ['kprobe', 'uprobe', 'xdp'])).toEqual(['kprobe', 'uprobe']);
  expect(nearest('zzz', ['kprobe', 'xdp'])).toEqual([]);
});
