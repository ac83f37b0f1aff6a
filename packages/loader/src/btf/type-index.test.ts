import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { ElfFile } from '../elf';
import { btfSample } from '../../../../tools/testing/btf';
import { seededRandom } from '../../../../tools/testing/random';
import { Btf } from './btf';
import { BtfKind } from './kinds';

function sample(): Uint8Array {
  return ElfFile.parse(compile(btfSample), { object: 'sample.o' }).section('.BTF')!.data;
}

/** Every type by name and kind, and what can be asked of it, as text: equal text means equal types. */
function everything(btf: Btf): string {
  const lines: string[] = [];
  for (let id = btf.firstId; id < btf.endId; id++) {
    const [name, kind] = [btf.name(id), btf.kind(id)];
    lines.push(`${id} ${kind} ${name} ${btf.describe(id)} ${btf.findAll(name, kind).join()}`);
    lines.push(btf.candidates(name, [BtfKind.STRUCT, BtfKind.ENUM, BtfKind.TYPEDEF]).join());
  }
  return lines.join('\n');
}

test('by an index the same types are found as by a scan, functions too', () => {
  const bytes = sample();
  const scanned = Btf.parse(bytes, { trusted: true });
  const indexed = Btf.parse(bytes, { trusted: true, index: scanned.encodeIndex() });
  expect(scanned.isIndexed).toBe(false);
  expect(indexed.isIndexed).toBe(true);
  expect(everything(indexed)).toBe(everything(scanned));
  expect(indexed.isIndexed).toBe(true);
  expect(indexed.encodeIndex()).toEqual(scanned.encodeIndex());
});

test('an index of other bytes, of another version or cut off is passed over', () => {
  const bytes = sample();
  const scanned = Btf.parse(bytes, { trusted: true });
  const index = scanned.encodeIndex();
  const other = Btf.parse(ElfFile.parse(compile('int x;'), { object: 'x.o' }).section('.BTF')!.data, {
    trusted: true,
  });
  const changed = index.slice();
  changed[4]!++;
  for (const wrong of [
    other.encodeIndex(),
    changed,
    index.subarray(0, index.length - 4),
    new Uint8Array(7),
  ]) {
    const btf = Btf.parse(bytes, { trusted: true, index: wrong });
    expect(btf.isIndexed).toBe(false);
    expect(everything(btf)).toBe(everything(scanned));
  }
});

test('types that are not trusted, and split ones, are scanned whatever the index says', () => {
  const bytes = sample();
  const base = Btf.parse(bytes, { trusted: true });
  const index = base.encodeIndex();
  expect(Btf.parse(bytes, { index }).isIndexed).toBe(false);
  expect(Btf.parse(bytes, { base, index, trusted: true }).isIndexed).toBe(false);
});

test('a place that is wrong is noticed, whatever it says, and the types are scanned after all', () => {
  const bytes = sample();
  const scanned = Btf.parse(bytes, { trusted: true });
  const index = scanned.encodeIndex();
  const count = scanned.endId - scanned.firstId;
  const random = seededRandom(9);
  for (let i = 0; i < count; i++) {
    const hostile = index.slice();
    const offsets = new Uint32Array(hostile.buffer, 32, count);
    // Another type's place, or any number.
    const other = Math.floor(random() * count);
    offsets[i] = i % 2 === 0 && other !== i ? offsets[other]! : Math.floor(random() * 2 ** 32);
    const btf = Btf.parse(bytes, { trusted: true, index: hostile });
    expect(everything(btf)).toBe(everything(scanned));
    expect(btf.isIndexed).toBe(false);
  }
});

test('two places that are exchanged are noticed when a type is looked up by its name', () => {
  const bytes = sample();
  const scanned = Btf.parse(bytes, { trusted: true });
  const id = scanned.find('all', BtfKind.STRUCT);
  const hostile = scanned.encodeIndex();
  const offsets = new Uint32Array(hostile.buffer, 32, scanned.endId - scanned.firstId);
  const at = id - scanned.firstId;
  [offsets[at], offsets[at + 1]] = [offsets[at + 1]!, offsets[at]!];
  const btf = Btf.parse(bytes, { trusted: true, index: hostile });
  expect(btf.name(id)).toBe('all');
  expect(btf.find('all', BtfKind.STRUCT)).toBe(id);
});
