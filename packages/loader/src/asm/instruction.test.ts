import { expect, test } from 'vitest';
import { toCanonical } from './canonical';
import * as asm from './instruction';

test('fields are read and written without touching their neighbours', () => {
  const insns = new Uint8Array(16).fill(0xff);
  asm.setOpcode(insns, 1, 0x18);
  asm.setDst(insns, 1, 3);
  asm.setSrc(insns, 1, 9);
  asm.setOff(insns, 1, -2);
  asm.setImm(insns, 1, -5);
  expect([
    asm.opcode(insns, 1),
    asm.dst(insns, 1),
    asm.src(insns, 1),
    asm.off(insns, 1),
    asm.imm(insns, 1),
  ]).toEqual([0x18, 3, 9, -2, -5]);
  expect(insns.subarray(0, 8)).toEqual(new Uint8Array(8).fill(0xff));
  expect(asm.slotCount(insns)).toBe(2);
});

test('64-bit immediates span two slots', () => {
  const insns = new Uint8Array(16);
  asm.setImm64(insns, 0, 0x8877665544332211n);
  expect([...insns.subarray(4, 8), ...insns.subarray(12)]).toEqual([
    0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
  ]);
  expect(asm.imm64(insns, 0)).toBe(0x8877665544332211n);
});

test('kinds of calls', () => {
  const insns = Uint8Array.of(
    0x85,
    0x10,
    0,
    0,
    0,
    0,
    0,
    0,
    0x85,
    0x20,
    0,
    0,
    0,
    0,
    0,
    0,
    0x85,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
  );
  expect([0, 1, 2].map((i) => asm.isCall(insns, i))).toEqual([true, true, true]);
  expect([0, 1, 2].map((i) => asm.isPseudoCall(insns, i))).toEqual([true, false, false]);
  expect([0, 1, 2].map((i) => asm.isKfuncCall(insns, i))).toEqual([false, true, false]);
  expect([0, 1, 2].map((i) => asm.isHelperCall(insns, i))).toEqual([false, false, true]);
});

test('a big-endian file gives the same instructions', () => {
  const little = Uint8Array.of(0x63, 0x1a, 0xfc, 0xff, 4, 3, 2, 1);
  const big = Uint8Array.of(0x63, 0xa1, 0xff, 0xfc, 1, 2, 3, 4);
  expect(toCanonical(little, true)).toEqual(little);
  expect(toCanonical(big, false)).toEqual(little);
  expect(toCanonical(little, true)).not.toBe(little);
});

test('half an instruction is refused', () => {
  expect(() => toCanonical(new Uint8Array(12), true)).toThrow(
    'instructions are not whole: found 12 bytes, expected a multiple of 8',
  );
});
