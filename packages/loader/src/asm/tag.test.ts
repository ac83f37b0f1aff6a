import { expect, test } from 'vitest';
import { setImm64, setSrc } from './instruction';
import { tag, tagInput } from './tag';

/** ld_imm64 r1, then exit. */
function load(source: number, value: bigint): Uint8Array {
  const insns = new Uint8Array(24);
  insns.set([0x18, 0x01]);
  insns[16] = 0x95;
  setSrc(insns, 0, source);
  setImm64(insns, 0, value);
  return insns;
}

test('map references do not enter the tag, constants do', () => {
  for (const source of [1, 2]) expect(tagInput(load(source, 0x500000007n))).toEqual(load(source, 0n));
  for (const source of [0, 3, 4])
    expect(tagInput(load(source, 0x500000007n))).toEqual(load(source, 0x500000007n));
});

test('the input is left as it was', () => {
  const insns = load(1, 7n);
  tagInput(insns);
  expect(insns).toEqual(load(1, 7n));
});

test('the second slot of a constant is not taken for an instruction', () => {
  const insns = load(0, 0n);
  insns.set([0x18, 0x11, 0, 0, 9, 0, 0, 0], 8);
  expect(tagInput(insns)).toEqual(insns);
});

test('both algorithms, 16 digits', () => {
  // r0 = 0; exit: a04f5eef06a7f555 is what kernels before 6.18 show for it.
  const insns = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
  expect(tag(insns, 'sha1')).toBe('a04f5eef06a7f555');
  expect(tag(insns, 'sha256')).toMatch(/^[0-9a-f]{16}$/);
});
