import { expect, test } from 'vitest';
import { imm } from '../asm';
import { Errno, type Feature, features } from '../kernel';
import { mayBeTooOld, olderMap, olderProgram } from './older-kernels';

const lacks =
  (...missing: Feature[]) =>
  (feature: Feature) =>
    !missing.includes(feature);

const insn = (opcode: number, registers: number, immediate: number) => [
  opcode,
  registers,
  0,
  0,
  immediate,
  0,
  0,
  0,
];
/** call bpf_probe_read_kernel_str; call of a BPF function 113 slots on; exit */
const insns = Uint8Array.from([insn(0x85, 0, 115), insn(0x85, 0x10, 113), insn(0x95, 0, 0)].flat());
const program = { prog_name: 'p', expected_attach_type: 37, insns };

test('a kernel that has everything is given everything', () => {
  expect(olderProgram(program, true, lacks())).toBeUndefined();
  expect(olderMap({ map_name: 'm', map_flags: 1 << 10 }, lacks())).toBeUndefined();
});

test('helpers that read kernel memory become the one that reads any', () => {
  const older = olderProgram(program, false, lacks(features.probeReadKernel));
  expect(older).toMatchObject({ prog_name: 'p', expected_attach_type: 37 });
  const changed = older!.insns as Uint8Array;
  expect([imm(changed, 0), imm(changed, 1)]).toEqual([45, 113]);
  expect(imm(insns, 0)).toBe(115);
});

test('an expected attach type is dropped only where that is harmless', () => {
  expect(olderProgram(program, true, lacks(features.expectedAttachType))).toMatchObject({
    expected_attach_type: 0,
  });
  expect(olderProgram(program, false, lacks(features.expectedAttachType))).toBeUndefined();
});

test('names and mappings are dropped where the kernel has none', () => {
  expect(olderProgram(program, false, lacks(features.names))!.prog_name).toBeUndefined();
  const map = { map_name: 'm', map_flags: (1 << 10) | (1 << 7) };
  expect(olderMap(map, lacks(features.names, features.mappableArrays))).toEqual({
    map_name: undefined,
    map_flags: 1 << 7,
  });
});

test('nothing is asked of a kernel that refused for another reason', () => {
  expect(mayBeTooOld(-Errno.EPERM)).toBe(false);
  expect(mayBeTooOld(5)).toBe(false);
  expect(mayBeTooOld(-Errno.E2BIG)).toBe(true);
});
