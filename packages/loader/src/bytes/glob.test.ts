import { expect, test } from 'vitest';
import { globPattern, isGlob } from './glob';

test.each([
  ['vfs_*', 'vfs_read', true],
  ['vfs_*', 'xvfs_read', false],
  ['vfs_rea?', 'vfs_read', true],
  ['vfs_rea?', 'vfs_readv', false],
  ['*', '', true],
  ['a.b', 'axb', false],
  ['a.*', 'a.isra.0', true],
  ['[ab]', 'a', false],
])('%s and %s: %s', (glob, name, fits) => {
  expect(globPattern(glob).test(name)).toBe(fits);
});

test('many stars take no longer than one', () => {
  expect(globPattern(`${'*'.repeat(1000)}b`).test('a'.repeat(10_000))).toBe(false);
});

test('what is a pattern and what is a name', () => {
  expect(['a', 'a.b+0x1', 'a?', '*'].map(isGlob)).toEqual([false, false, true, true]);
});
