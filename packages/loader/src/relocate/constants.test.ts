import { describe, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { Btf, BtfKind } from '../btf';
import { ElfFile } from '../elf';
import { BpfError } from '../errors';
import { type MapSpec } from '../object';
import { withConstants } from './constants';
import { type MapOverride, withMaps } from './map-overrides';
import { type RelocatedObject } from './relocated';

const elf = ElfFile.parse(
  compile(`
    enum mode { PASS, DROP = 7 };
    const volatile unsigned short rate = 1; const volatile signed char low = -1; const volatile enum mode mode = PASS;
    const volatile char prefix[8] = "x"; const volatile _Bool on; unsigned long long counter;
    struct { int a; int b; } pair = { 1, 2 };
  `),
  { object: 'x.o' },
);
const btf = Btf.parse(elf.section('.BTF')!.data);

function map(name: string, size: number, more: Partial<MapSpec> = {}): MapSpec {
  return {
    name,
    kernelName: name,
    origin: 'data',
    section: name,
    type: 2,
    keySize: 4,
    valueSize: size,
    maxEntries: 1,
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
    ...more,
  };
}

function variable(name: string, mapName: string, offset: number): RelocatedObject['variables'][number] {
  const typeId = btf.type(btf.find(name, BtfKind.VAR));
  const size = btf.byteSize(typeId);
  return { name, map: mapName, offset, size, typeId, binding: 'global', hidden: false };
}

const object: RelocatedObject = {
  name: 'x',
  license: 'GPL',
  littleEndian: true,
  kernelVersion: 0,
  btf: btf.bytes,
  maps: [
    map('.rodata', 32, { data: new Uint8Array(32).fill(0xaa) }),
    map('.bss', 8),
    map('.data', 8, { data: Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0) }),
    map('hits', 8, { origin: 'btf', type: 1, maxEntries: 16, inner: map('inner', 4, { origin: 'btf' }) }),
  ],
  programs: [],
  variables: [
    variable('rate', '.rodata', 0),
    variable('low', '.rodata', 2),
    variable('mode', '.rodata', 4),
    variable('prefix', '.rodata', 8),
    variable('on', '.rodata', 16),
    variable('counter', '.bss', 0),
    variable('pair', '.data', 0),
  ],
};

function failure(run: () => unknown): BpfError {
  try {
    run();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

function data(relocated: RelocatedObject, name: string): number[] {
  return [...relocated.maps.find((candidate) => candidate.name === name)!.data!];
}

describe('constants', () => {
  test('are written by their C type, and the original stays', () => {
    const changed = withConstants(object, {
      rate: 0x1234,
      low: -2,
      mode: 'DROP',
      prefix: 'edge',
      on: true,
      counter: 2n ** 63n,
      pair: { b: 9 },
    });
    const rodata = data(changed, '.rodata');
    expect(rodata.slice(0, 3)).toEqual([0x34, 0x12, 0xfe]);
    expect(rodata.slice(4, 17)).toEqual([7, 0, 0, 0, 101, 100, 103, 101, 0, 0, 0, 0, 1]);
    expect(rodata.slice(17)).toEqual(Array<number>(15).fill(0xaa));
    expect(data(changed, '.bss')).toEqual([0, 0, 0, 0, 0, 0, 0, 0x80]);
    expect(data(changed, '.data')).toEqual([1, 0, 0, 0, 9, 0, 0, 0]);
    expect(data(object, '.rodata')).toEqual(Array<number>(32).fill(0xaa));
    expect(object.maps[1]!.data).toBeUndefined();
  });

  test('no constants change nothing', () => {
    expect(withConstants(object, {})).toBe(object);
  });

  test('an unknown name is shown with the nearest', () => {
    const error = failure(() => withConstants(object, { raet: 1 }));
    expect(error.code).toBe('CONSTANT_UNKNOWN');
    expect(error.message).toBe("x: no global variable 'raet'; did you mean rate?");
    expect(error.fields).toMatchObject({ object: 'x', symbol: 'raet' });
  });

  test('a value that does not fit is shown with its C type and range', () => {
    const error = failure(() => withConstants(object, { rate: 65536 }));
    expect(error.code).toBe('CONSTANT_INVALID');
    expect(error.message).toMatch(/^x: constant rate.*unsigned short.*65536.*0 to 65535/);
  });

  test('several problems are one error', () => {
    const error = failure(() => withConstants(object, { rate: -1, low: 128, other: 1 }));
    expect(error.fields.problems).toHaveLength(3);
    expect(error.message.split('\n')).toEqual(error.fields.problems);
  });

  test('without BTF', () => {
    const error = failure(() => withConstants({ ...object, btf: undefined }, { rate: 1 }));
    expect(error.code).toBe('BTF_MISSING');
    expect(error.message).toContain('compile with -g');
  });

  test('a name that two variables have', () => {
    const twice = { ...object, variables: [...object.variables, variable('counter', '.data', 0)] };
    expect(failure(() => withConstants(twice, { counter: 1 })).message).toContain(
      'one in .bss and one in .data',
    );
  });
});

describe('map overrides', () => {
  test('replace what they name', () => {
    const changed = withMaps(object, { hits: { maxEntries: 1024, flags: 1, inner: { maxEntries: 3 } } });
    expect(changed.maps[3]).toMatchObject({
      maxEntries: 1024,
      flags: 1,
      keySize: 4,
      inner: { maxEntries: 3 },
    });
    expect(object.maps[3]).toMatchObject({ maxEntries: 16, inner: { maxEntries: 1 } });
  });

  test.each<[string, Record<string, MapOverride>, string, string]>([
    [
      'an unknown map',
      { hit: { maxEntries: 1 } },
      'MAP_NOT_FOUND',
      "no map 'hit': expected one of .rodata, .bss, .data, hits; did you mean hits?",
    ],
    [
      'a size below zero',
      { hits: { maxEntries: -1 } },
      'MAP_INVALID',
      "map 'hits': found maxEntries -1, expected a number from 0 to 4294967295",
    ],
    [
      'a 64-bit number below zero',
      { hits: { mapExtra: -1n } },
      'MAP_INVALID',
      "map 'hits': found mapExtra -1, expected a number from 0 to 18446744073709551615",
    ],
    [
      'the size of a data section',
      { '.bss': { maxEntries: 2 } },
      'MAP_INVALID',
      "map '.bss': found maxEntries 2, expected 1, since the map is section .bss",
    ],
    [
      'inner maps of a map that has none',
      { '.bss': { inner: {} } },
      'MAP_INVALID',
      "map '.bss': found settings for inner maps, expected none, since the map holds no maps",
    ],
  ])('%s', (_, overrides, code, message) => {
    const error = failure(() => withMaps(object, overrides));
    expect([error.code, error.message]).toEqual([code, `x: ${message}`]);
  });
});
