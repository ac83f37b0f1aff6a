import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BtfKind } from '../btf';
import { kernelIdentity } from './identity';
import { indexedBtf } from './indexed-btf';
import { kernelBtfBytes } from './kernel-btf';

let folder: string;
beforeEach(() => {
  folder = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-test-')), 'known');
});
afterEach(() => fs.rmSync(path.dirname(folder), { recursive: true }));

const name = 'aa';

test('the second time the index is there, and finds what a scan finds', () => {
  const bytes = kernelBtfBytes();
  const scanned = indexedBtf(bytes, folder, name);
  expect(scanned.isIndexed).toBe(false);
  const indexed = indexedBtf(bytes, folder, name);
  expect(indexed.isIndexed).toBe(true);
  for (const [type, kind] of [
    ['task_struct', BtfKind.STRUCT],
    ['pid_type', BtfKind.ENUM],
    ['bpf_prog_put', BtfKind.FUNC],
  ] as const) {
    expect(indexed.find(type, kind)).toBe(scanned.find(type, kind));
    expect(indexed.find(type, kind)).toBeGreaterThan(0);
  }
  expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
});

test('a changed byte anywhere and a file that is cut off are noticed, and the index is written anew', () => {
  const bytes = kernelBtfBytes();
  const { length } = indexedBtf(bytes, folder, name).encodeIndex();
  const file = path.join(folder, fs.readdirSync(folder)[0]!);
  const whole = fs.readFileSync(file);
  for (const at of [0, 8, 12, 40, length >> 1, length + 7]) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 0x10;
    fs.rmSync(file);
    fs.writeFileSync(file, damaged);
    expect(indexedBtf(bytes, folder, name).isIndexed).toBe(false);
    expect(fs.readFileSync(file).equals(whole)).toBe(true);
  }
  fs.rmSync(file);
  fs.writeFileSync(file, whole.subarray(0, 1000));
  expect(indexedBtf(bytes, folder, name).isIndexed).toBe(false);
  expect(indexedBtf(bytes, folder, name).isIndexed).toBe(true);
});

test('a folder that others can write, and a link in the place of the file, are not used', () => {
  const bytes = kernelBtfBytes();
  indexedBtf(bytes, folder, name);
  const file = path.join(folder, fs.readdirSync(folder)[0]!);
  fs.renameSync(file, path.join(path.dirname(folder), 'elsewhere'));
  fs.symlinkSync(path.join(path.dirname(folder), 'elsewhere'), file);
  expect(indexedBtf(bytes, folder, name).isIndexed).toBe(false);
  expect(indexedBtf(bytes, folder, name).isIndexed).toBe(true);
  fs.chmodSync(folder, 0o777);
  expect(indexedBtf(bytes, folder, name).isIndexed).toBe(false);
});

test('this kernel has a build id to name its index after', () => {
  expect(kernelIdentity().buildId).toMatch(/^[0-9a-f]{16,}$/);
});
