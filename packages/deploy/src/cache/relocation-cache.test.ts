import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseObject, relocateObject, type RelocatedObject } from '@nx-bpf/loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { RelocationCache } from './relocation-cache';

const source = `
__attribute__((section("license"), used)) char LICENSE[] = "GPL";
__attribute__((section("xdp"), used)) int pass(void *ctx) { return 2; }
`;

let folder: string;
let relocated: RelocatedObject;

beforeEach(() => {
  folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-test-')), 'cache');
  relocated = relocateObject(parseObject(compile(source), { name: 'one' }), {
    btf: () => {
      throw new Error('the kernel is not needed');
    },
  });
});
afterEach(() => fs.rmSync(path.dirname(folder), { recursive: true }));

const refused = (): never => {
  throw new Error('relocated although there is an entry');
};

test('the second time the entry is used, and gives the same object', () => {
  const cache = new RelocationCache(folder);
  expect(cache.get('key', {}, () => ({ relocated, depended: [] }))).toMatchObject({
    outcome: 'miss',
    note: undefined,
  });
  const hit = cache.get('key', {}, refused);
  expect(hit.outcome).toBe('hit');
  expect(hit.relocated.programs[0]!.instructions).toEqual(relocated.programs[0]!.instructions);
  expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
});

test('an entry that depended on the configuration is used only as long as that is the same', () => {
  const cache = new RelocationCache(folder);
  const kconfig = (value: string) => ({ kconfig: () => value, modules: refused });
  cache.get('key', kconfig('a'), () => ({ relocated, depended: ['kconfig'] }));
  expect(cache.get('key', kconfig('a'), refused).outcome).toBe('hit');
  expect(cache.get('key', kconfig('b'), () => ({ relocated, depended: ['kconfig'] }))).toMatchObject({
    outcome: 'miss',
    note: undefined,
  });
});

test('every changed byte and every truncation is noticed, and is a miss with a note', () => {
  const cache = new RelocationCache(folder);
  const again = () => ({ relocated, depended: [] });
  cache.get('key', {}, again);
  const file = path.join(folder, fs.readdirSync(folder)[0]!);
  const entry = fs.readFileSync(file);
  for (let at = 0; at < entry.length; at += 7) {
    const damaged = Buffer.from(entry);
    damaged[at]! ^= 0x40;
    fs.writeFileSync(file, damaged);
    expect(cache.get('key', {}, again)).toMatchObject({
      outcome: 'miss',
      note: expect.stringContaining('damaged') as string,
    });
    fs.writeFileSync(file, entry.subarray(0, at));
    expect(cache.get('key', {}, again)).toMatchObject({
      outcome: 'miss',
      note: expect.stringContaining('damaged') as string,
    });
  }
});

test('a place where no folder can be made turns the cache off', () => {
  fs.writeFileSync(folder, 'a file');
  const below = new RelocationCache(path.join(folder, 'below'));
  expect(below.get('key', {}, () => ({ relocated, depended: [] }))).toMatchObject({
    outcome: 'off',
    note: expect.stringContaining('cannot be made') as string,
  });
  expect(new RelocationCache(folder).get('key', {}, () => ({ relocated, depended: [] }))).toMatchObject({
    outcome: 'off',
    note: expect.stringContaining('is not a directory') as string,
  });
});

test('a folder that others can write is not used', () => {
  fs.mkdirSync(folder);
  fs.chmodSync(folder, 0o770);
  const cache = new RelocationCache(folder);
  expect(cache.get('key', {}, () => ({ relocated, depended: [] }))).toMatchObject({
    outcome: 'off',
    note: expect.stringContaining('can be written by others') as string,
  });
  expect(fs.readdirSync(folder)).toEqual([]);
});
