import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BtfKind, ElfFile, objectDigest } from '@nx-bpf/loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { kernelTypes } from './kernel-types';

const bytes = ElfFile.parse(compile('struct task { int pid; int added; }; struct task task;'), {
  object: 'k.o',
}).section('.BTF')!.data;
const digest = objectDigest(bytes);
const before = process.env['XDG_CACHE_HOME'];
let cache: string;
const folder = (): string => path.join(cache, 'nx-bpf/indexes-1');
const kept = (): string[] => (fs.existsSync(folder()) ? fs.readdirSync(folder()).sort() : []);

beforeEach(() => {
  cache = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-types-'));
  process.env['XDG_CACHE_HOME'] = cache;
});
afterEach(() => {
  if (before === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = before;
  fs.rmSync(cache, { recursive: true });
});

test('the second time types are found by the index that was kept the first time', () => {
  expect(kernelTypes(bytes, digest, 'k').isIndexed).toBe(false);
  expect(kept()).toEqual([`${digest}.checked`, `kernel-${digest}.btf-index`]);
  const again = kernelTypes(bytes, digest, 'k');
  expect(again.isIndexed).toBe(true);
  expect(again.name(again.find('task', BtfKind.STRUCT))).toBe('task');
  expect(again.find('none', BtfKind.STRUCT)).toBe(0);
});

test('types that are no types are refused, and nothing is kept of them', () => {
  // The kind of the last type: there is no such.
  const damaged = bytes.slice();
  damaged.fill(0xff, 24, 24 + 12);
  for (let i = 0; i < 2; i++)
    expect(() => kernelTypes(damaged, 'd', 'kernels/x.btf')).toThrow(/kernels\/x.btf/);
  expect(kept()).toEqual([]);
});

test('an index that is damaged, or that somebody else could have written, is not used', () => {
  kernelTypes(bytes, digest, 'k');
  const file = path.join(folder(), `kernel-${digest}.btf-index`);
  const index = fs.readFileSync(file);
  index[20]! ^= 1;
  fs.writeFileSync(file, index);
  expect(kernelTypes(bytes, digest, 'k').isIndexed).toBe(false);
  expect(kernelTypes(bytes, digest, 'k').isIndexed).toBe(true);
  fs.chmodSync(folder(), 0o777);
  expect(kernelTypes(bytes, digest, 'k').isIndexed).toBe(false);
  fs.chmodSync(folder(), 0o700);
  // That they were checked is believed of a file only, not of what leads elsewhere.
  const checked = path.join(folder(), `${digest}.checked`);
  fs.rmSync(checked);
  fs.symlinkSync('/dev/null', checked);
  const damaged = bytes.slice();
  damaged.fill(0xff, 24, 24 + 12);
  expect(() => kernelTypes(damaged, digest, 'k')).toThrow();
});
