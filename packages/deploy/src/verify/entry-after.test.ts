import { Btf, BtfKind, ElfFile, MapType } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { entryAfter } from './entry-after';

const elf = compile('struct traffic { int packets; short port; }; struct traffic traffic;');
const btf = Btf.parse(ElfFile.parse(elf, { object: 't.o' }).section('.BTF')!.data);
const shape = {
  name: 'verdicts',
  type: MapType.percpu_array,
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  btf,
  keyTypeId: 0,
  valueTypeId: btf.find('traffic', BtfKind.STRUCT),
};
/** Of each CPU the packets and the port. */
const values = (...cpus: readonly (readonly [number, number])[]): Uint8Array =>
  new Uint8Array(
    Buffer.concat(cpus.map(([packets, port]) => Buffer.from(Int32Array.of(packets, port).buffer))),
  );

test('in a map of one value for all CPUs it is that', () => {
  const now = values([7, 1]);
  expect(entryAfter({ ...shape, type: MapType.array }, values([1, 1]), now)).toEqual(now);
});

test('of per-CPU values that of the CPU counts that the program ran on', () => {
  const before = values([5, 80], [5, 80], [5, 80]);
  expect(entryAfter(shape, before, values([5, 80], [6, 80], [5, 80]))).toEqual(values([6, 80]));
  expect(entryAfter(shape, before, before)).toEqual(values([5, 80]));
  expect(entryAfter(shape, undefined, values([0, 0], [2, 443], [0, 0]))).toEqual(values([2, 443]));
});

test('where repeated runs were on several, what each of them added is', () => {
  const before = values([5, 80], [5, 80], [5, 80]);
  expect(entryAfter(shape, before, values([8, 80], [5, 80], [7, 80]))).toEqual(values([10, 80]));
});
