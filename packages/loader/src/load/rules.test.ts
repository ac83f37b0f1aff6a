import { expect, test } from 'vitest';
import { type MapInfo } from '../kernel';
import { MapType, type MapSpec } from '../object';
import { type RelocatedObject, type RelocatedProgram } from '../relocate';
import { bindProgram } from './bind';
import { mapDifferences } from './compatible';
import { sizedMap } from './map-size';
import { wanted } from './wanted';

const machine = { possibleCpus: 6, pageSize: 4096 };

function map(fields: Partial<MapSpec>): MapSpec {
  return {
    name: 'm',
    kernelName: 'm',
    origin: 'btf',
    section: '.maps',
    type: MapType.hash,
    keySize: 4,
    valueSize: 8,
    maxEntries: 16,
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
    ...fields,
  };
}

test.each([
  [1, 4096],
  [4096, 4096],
  [4097, 8192],
  [12288, 16384],
  [2 ** 31, 2 ** 31],
])('a ring buffer of %i bytes gets %i', (asked, size) => {
  expect(sizedMap(map({ type: MapType.ringbuf, maxEntries: asked }), machine).maxEntries).toBe(size);
});

test('a ring buffer beyond 32 bits is refused', () => {
  expect(() => sizedMap(map({ type: MapType.ringbuf, maxEntries: 2 ** 31 + 1 }), machine)).toThrow('at most');
});

test('sizes by type', () => {
  expect(sizedMap(map({ type: MapType.cpumap, maxEntries: 0 }), machine).maxEntries).toBe(6);
  expect(sizedMap(map({ type: MapType.perf_event_array, maxEntries: 2 }), machine).maxEntries).toBe(2);
  expect(sizedMap(map({ type: MapType.task_storage, maxEntries: 0 }), machine).maxEntries).toBe(0);
  expect(() => sizedMap(map({ maxEntries: 0 }), machine)).toThrow("map 'm': max_entries is 0");
  const inner = map({ name: 'inner', type: MapType.ringbuf, maxEntries: 100 });
  expect(sizedMap(map({ type: MapType.array_of_maps, inner }), machine).inner?.maxEntries).toBe(4096);
});

const info = { type: 1, keySize: 4, valueSize: 8, maxEntries: 16, flags: 0, mapExtra: 0n } as MapInfo;

test('differences of a map: none, several, and the flag that kernels set on device maps', () => {
  expect(mapDifferences(map({}), info)).toEqual([]);
  expect(mapDifferences(map({}), { ...info, flags: 0x80, mapExtra: 3n })).toEqual([
    'map_flags is 0x80, the object defines 0x0',
    'map_extra is 3, the object defines 0',
  ]);
  expect(
    mapDifferences(map({ type: MapType.devmap }), { ...info, type: MapType.devmap, flags: 0x80 }),
  ).toEqual([]);
});

test('the fd of a map goes into the lower half, the offset in the upper half stays', () => {
  const instructions = Buffer.from('18210000000000000000000008000000', 'hex');
  const program = {
    instructions,
    bindings: [{ kind: 'data', insn: 0, map: '.data' }],
  } as unknown as RelocatedProgram;
  const values = {
    mapFd: () => 0x1234,
    dataOffset: () => 0,
    symbolAddress: () => 0n,
    moduleBtfFd: () => 0,
    jumpTable: () => 0,
  };
  expect(Buffer.from(bindProgram(program, values).instructions).toString('hex')).toBe(
    '18210000341200000000000008000000',
  );
  expect(instructions.toString('hex')).toBe('18210000000000000000000008000000');
});

test('symbols, and types and functions of modules', () => {
  const instructions = Buffer.alloc(7 * 8);
  const program = {
    instructions,
    bindings: [
      { kind: 'ksym', insn: 0, symbol: 's', weak: false },
      { kind: 'module-ksym', insn: 2, module: 'a' },
      { kind: 'module-kfunc', insn: 4, module: 'b' },
      { kind: 'module-kfunc', insn: 5, module: 'a' },
      { kind: 'module-kfunc', insn: 6, module: 'b' },
    ],
  } as unknown as RelocatedProgram;
  instructions.writeInt32LE(77, 2 * 8 + 4);
  const fds: Record<string, number> = { a: 5, b: 6 };
  const bound = bindProgram(program, {
    mapFd: () => 0,
    dataOffset: () => 0,
    symbolAddress: () => 0xffffffff81000010n,
    moduleBtfFd: (module) => fds[module]!,
    jumpTable: () => 0,
  });
  const out = Buffer.from(bound.instructions);
  expect([out.readUInt32LE(4), out.readUInt32LE(12)]).toEqual([0x81000010, 0xffffffff]);
  expect([out.readInt32LE(20), out.readInt32LE(28)]).toEqual([77, 5]);
  expect([4, 5, 6].map((insn) => out.readInt16LE(insn * 8 + 2))).toEqual([1, 2, 1]);
  expect(bound.fdArray).toEqual([6, 5]);
});

test('a program brings its maps, the maps in their slots, and the programs in those', () => {
  const program = (name: string, index: number, ...maps: string[]) => ({
    name,
    function: index,
    bindings: maps.map((used, insn) => ({ kind: 'map', insn, map: used })),
  });
  const object = {
    name: 'o',
    maps: [
      map({ name: 'jumps', slots: [{ index: 0, function: 2 }] }),
      map({ name: 'outer', slots: [{ index: 0, map: 'inner' }] }),
      map({ name: 'inner' }),
      map({ name: 'unused' }),
    ],
    programs: [program('start', 1, 'jumps'), program('tail', 2, 'outer'), program('apart', 3, 'unused')],
  } as unknown as RelocatedObject;
  const names = ({ programs, maps }: ReturnType<typeof wanted>) => [
    programs.map(({ name }) => name),
    maps.map(({ name }) => name),
  ];
  expect(names(wanted(object, ['start']))).toEqual([
    ['start', 'tail'],
    ['jumps', 'outer', 'inner'],
  ]);
  expect(names(wanted(object, []))).toEqual([[], []]);
  expect(wanted(object, undefined)).toMatchObject({ programs: object.programs, maps: object.maps });
  expect(() => wanted(object, ['strat'])).toThrow("did you mean 'start'?");
});
