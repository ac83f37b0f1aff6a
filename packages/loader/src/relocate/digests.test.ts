import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { Btf, BtfKind } from '../btf';
import { ElfFile } from '../elf';
import { type MapSpec } from '../object';
import {
  constantsDigest,
  instructionsDigest,
  mapAbiDigest,
  objectDigest,
  relocationInputsDigest,
} from './digests';

const types = (source: string): Btf =>
  Btf.parse(ElfFile.parse(compile(source), { object: 'x.o' }).section('.BTF')!.data);

const map: MapSpec = {
  name: 'm',
  kernelName: 'm',
  origin: 'btf',
  section: '.maps',
  type: 1,
  keySize: 4,
  valueSize: 8,
  maxEntries: 10,
  flags: 0,
  numaNode: undefined,
  mapExtra: 0n,
  pinByName: false,
  keyTypeId: 0,
  valueTypeId: 0,
  inner: undefined,
  slots: [],
  data: undefined,
  frozen: false,
};

test('of a file: plain SHA-256', () => {
  expect(objectDigest(new Uint8Array(0))).toBe(
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});

test('of instructions: map fds do not count, offsets of variables do', () => {
  // r1 = value of a map + offset; exit
  const load = (fd: number, offset: number, source: number): Uint8Array =>
    Uint8Array.of(
      0x18,
      source << 4,
      0,
      0,
      fd,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      offset,
      0,
      0,
      0,
      0x95,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
    );
  expect(instructionsDigest(load(3, 8, 2))).toBe(instructionsDigest(load(0, 8, 2)));
  expect(instructionsDigest(load(3, 0, 1))).toBe(instructionsDigest(load(4, 0, 1)));
  expect(instructionsDigest(load(3, 8, 2))).not.toBe(instructionsDigest(load(3, 12, 2)));
  expect(instructionsDigest(load(3, 0, 0))).not.toBe(instructionsDigest(load(4, 0, 0)));
});

test('of the inputs of a relocation: each counts, order does not', () => {
  const inputs = { object: 'o', kernel: 'k', modules: { a: '1', b: '2' }, programs: ['p', 'q'] };
  const digest = relocationInputsDigest(inputs);
  expect(relocationInputsDigest({ ...inputs, modules: { b: '2', a: '1' }, programs: ['q', 'p'] })).toBe(
    digest,
  );
  for (const change of [
    { object: 'x' },
    { kernel: 'x' },
    { modules: { a: '1' } },
    { programs: ['p'] },
    { programs: undefined },
    { kconfig: { CONFIG_HZ: '250' } },
  ]) {
    expect(relocationInputsDigest({ ...inputs, ...change })).not.toBe(digest);
  }
});

test('of constants: contents of data sections, not of other maps', () => {
  const object = (...maps: MapSpec[]): string =>
    constantsDigest({
      name: '',
      license: '',
      littleEndian: true,
      kernelVersion: 0,
      btf: undefined,
      programs: [],
      variables: [],
      maps,
    });
  const rodata: MapSpec = { ...map, name: '.rodata', origin: 'data', data: Uint8Array.of(1, 2) };
  expect(object(rodata, map)).toBe(object(rodata));
  expect(object(rodata)).not.toBe(object({ ...rodata, data: Uint8Array.of(1, 3) }));
  expect(object(rodata)).not.toBe(object({ ...rodata, name: '.data' }));
});

test('of a map: sizes, flags and the layout of key and value count, names of types and their ids do not', () => {
  const one = types('struct key { int a; unsigned b : 3; } k; struct value { char c[4]; struct key *p; } v;');
  const two = types('int before; typedef int word; struct renamed { word a; unsigned b : 3; } k;');
  const three = types('struct key { int a; unsigned b : 4; } k;');
  const four = types('struct key { int z; unsigned b : 3; } k;');
  const key = (btf: Btf, name = 'key'): string =>
    mapAbiDigest({ ...map, keyTypeId: btf.find(name, BtfKind.STRUCT) }, btf);
  expect(key(one)).toBe(key(two, 'renamed'));
  expect(key(one)).not.toBe(key(three));
  expect(key(one)).not.toBe(key(four));
  expect(mapAbiDigest(map, one)).toBe(mapAbiDigest({ ...map, name: 'n', kernelName: 'n' }, undefined));
  for (const change of [
    { maxEntries: 11 },
    { flags: 1 },
    { valueSize: 4 },
    { mapExtra: 1n },
    { inner: map },
  ]) {
    expect(mapAbiDigest({ ...map, ...change }, one)).not.toBe(mapAbiDigest(map, one));
  }
});

test('a layout that shares types a hundred times over is still quick', () => {
  const levels = Array.from({ length: 25 }, (_, i) => `struct s${i + 1} { struct s${i} a, b; };`).join(' ');
  const btf = types(`struct s0 { char c; }; ${levels} struct s25 *p; struct s25 v __attribute__((weak));`);
  const typeId = btf.find('s25', BtfKind.STRUCT);
  expect(mapAbiDigest({ ...map, valueTypeId: typeId }, btf)).toMatch(/^[0-9a-f]{64}$/);
});
