import { expect, test } from 'vitest';
import { btfSample, btfSections } from '../../../../tools/testing/btf';
import { compile } from '../../../../tools/testing/compile';
import { Btf, BtfExt, CORE_RELOCATION_WORDS, FUNC_INFO_WORDS } from '.';
import { LINE_INFO_WORDS } from './btf-ext';

const little = btfSections(compile(btfSample));
const big = btfSections(compile(btfSample, { bigEndian: true }));
const btf = Btf.parse(little.btf);
const ext = BtfExt.parse(little.ext, btf, { object: 'sample.o' });

test('functions of a section', () => {
  const info = ext.funcInfo('xdp');
  expect(info.length).toBe(FUNC_INFO_WORDS);
  expect(btf.name(info[1]!)).toBe('one');
  expect(ext.sections()).toEqual(['.text', 'tc', 'xdp']);
  expect(ext.funcInfo('nowhere').length).toBe(0);
});

test('lines name the source', () => {
  const lines = ext.lineInfo('tc');
  expect(btf.string(lines[1]!)).toMatch(/test\.bpf\.c$/);
  const found = Array.from({ length: lines.length / LINE_INFO_WORDS }, (_, i) => ({
    text: btf.string(lines[4 * i + 2]!),
    line: lines[4 * i + 3]! >>> 10,
  }));
  const number = btfSample.split('\n').findIndex((line) => line.startsWith('SEC("tc")')) + 1;
  expect(found).toContainEqual({ text: btfSample.split('\n')[number - 1], line: number });
});

test('CO-RE relocations', () => {
  const relocations = ext.coreRelocations('xdp');
  expect(relocations.length).toBe(CORE_RELOCATION_WORDS);
  expect(btf.describe(relocations[1]!)).toBe('struct task_struct___new');
  expect(btf.string(relocations[2]!)).toBe('0:0');
  expect(relocations[3]).toBe(0);
});

test('a big-endian object says the same', () => {
  const other = BtfExt.parse(big.ext, Btf.parse(big.btf));
  expect(other.sections()).toEqual(ext.sections());
  for (const section of ext.sections()) {
    expect(other.funcInfo(section)).toEqual(ext.funcInfo(section));
    expect(other.coreRelocations(section)).toEqual(ext.coreRelocations(section));
  }
});

/** `.BTF.ext` with one function info record, behind the header that is asked for. */
function oneFunction(headerLength: number, record: readonly number[]): Uint8Array {
  const section = btf.nameOffset(btf.findAll('license', 15)[0]!);
  const part = [4 * record.length, section, 1, ...record];
  const words = [0x0001eb9f, headerLength, 0, 4 * part.length, 4 * part.length, 0, 0, 0];
  return new Uint8Array(Uint32Array.from([...words.slice(0, headerLength / 4), ...part]).buffer);
}

const one = btf.find('one', 12);

test('a header without the CO-RE part is valid', () => {
  const old = BtfExt.parse(oneFunction(24, [8, one]), btf);
  expect([...old.funcInfo('license')]).toEqual([8, one]);
  expect(old.coreRelocations('license').length).toBe(0);
});

test('of longer records the known part is kept', () => {
  expect([...BtfExt.parse(oneFunction(32, [8, one, 77, 78]), btf).funcInfo('license')]).toEqual([8, one]);
});

test.each([
  ['a record that is too short', oneFunction(24, [8]), 'function info: a record of 4 bytes'],
  ['an offset within an instruction', oneFunction(24, [4, one]), 'byte 4 is not the start of an instruction'],
  ['a type that is no function', oneFunction(24, [8, 1]), 'type [1] is not a function'],
  ['a type that does not exist', oneFunction(24, [8, 99_999]), 'type [99999] is not a function'],
])('%s is refused', (_, bytes, message) => {
  expect(() => BtfExt.parse(bytes, btf, { object: 'sample.o' })).toThrow(message);
});
