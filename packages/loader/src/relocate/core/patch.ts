import {
  BPF_ALU,
  BPF_ALU64,
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  BPF_X,
  CALL,
  dst,
  imm,
  imm64,
  isLdImm64,
  off,
  opcode,
  setImm,
  setImm64,
  setOff,
  setOpcode,
  SLOT,
  slotCount,
  src,
} from '../../asm';
import { BpfError } from '../../errors';
import { type CoreResolution } from './resolve';

/**
 * The number of the helper that a poisoned instruction calls; no kernel has it. Loaders agree on it, since tools look
 * for `invalid func unknown#195896080` in the verifier's log.
 */
export const POISON_CALL = 0xbad2310;

/** Opcode bits of the width of a load or store, by bytes. Source: uapi/linux/bpf_common.h, uapi/linux/bpf.h. */
const widthBits = new Map([
  [4, 0x00],
  [2, 0x08],
  [1, 0x10],
  [8, 0x18],
]);
const WIDTH_MASK = 0x18;

const LARGEST_OFFSET = 0x7fff;

/**
 * Writes a resolution into instruction `i`.
 *
 * @returns why the instruction was poisoned, undefined when it was relocated
 * @throws BpfError CORE_INVALID when the instruction is not one that can hold the answer, or holds another value
 * than the compiler must have put there
 */
export function patch(insns: Uint8Array, i: number, resolution: CoreResolution): string | undefined {
  const { local, target } = resolution;
  if (target === undefined) {
    poison(insns, i);
    return 'this kernel does not have it';
  }
  switch (opcode(insns, i) & 7) {
    case BPF_ALU:
    case BPF_ALU64:
      patchImmediate(insns, i, local, target.value);
      return undefined;
    case BPF_LDX:
    case BPF_ST:
    case BPF_STX:
      return patchMemory(insns, i, resolution, target);
    default:
      if (!isLdImm64(insns, i)) throw unexpected(insns, i, 'an addition, a load, a store or an ld_imm64');
      patchLdImm64(insns, i, local, target);
      return undefined;
  }
}

/** Makes an instruction one that the verifier refuses if it can be reached; of an `ld_imm64`, both slots. */
export function poison(insns: Uint8Array, i: number, helper = POISON_CALL): void {
  if (isLdImm64(insns, i) && i + 1 < slotCount(insns)) writeCall(insns, i + 1, helper);
  writeCall(insns, i, helper);
}

function writeCall(insns: Uint8Array, i: number, helper: number): void {
  insns.fill(0, i * SLOT, (i + 1) * SLOT);
  setOpcode(insns, i, CALL);
  setImm(insns, i, helper);
}

type Answer = CoreResolution['local'];

function patchImmediate(insns: Uint8Array, i: number, local: Answer, value: bigint): void {
  if ((opcode(insns, i) & BPF_X) !== 0) throw unexpected(insns, i, 'arithmetic with a constant');
  expectValue(local, BigInt.asUintN(64, BigInt(imm(insns, i))));
  if (BigInt.asIntN(32, value) !== BigInt.asIntN(64, value) && value >> 32n !== 0n) {
    throw tooBig(value, '32 bits');
  }
  setImm(insns, i, Number(BigInt.asIntN(32, value)));
}

function patchMemory(
  insns: Uint8Array,
  i: number,
  { local, widthFixed }: CoreResolution,
  target: Answer,
): string | undefined {
  expectValue(local, BigInt.asUintN(64, BigInt(off(insns, i))));
  if (target.value > BigInt(LARGEST_OFFSET)) throw tooBig(target.value, 'a 16-bit offset');
  const from = local.scalar?.size;
  const to = target.scalar?.size;
  if (widthFixed) {
    poison(insns, i);
    return `it has ${to} bytes in this kernel and ${from} in the object, and only pointers and unsigned integers can be read with another width`;
  }
  setOff(insns, i, Number(target.value));
  if (from !== undefined && to !== undefined && from !== to) setWidth(insns, i, from, to);
  return undefined;
}

/** The width of the access follows the field's. */
function setWidth(insns: Uint8Array, i: number, from: number, to: number): void {
  const code = opcode(insns, i);
  const bits = widthBits.get(to);
  if (widthBits.get(from) !== (code & WIDTH_MASK)) {
    throw new BpfError('CORE_INVALID', 'the field and the access to it have different widths', {
      found: `an access of opcode 0x${code.toString(16)} to a field of ${from} bytes`,
      expected: 'an access to the whole field, since its width changes in this kernel',
    });
  }
  if (bits === undefined) throw tooBig(BigInt(to), 'the width of one load or store');
  setOpcode(insns, i, (code & ~WIDTH_MASK) | bits);
}

function patchLdImm64(insns: Uint8Array, i: number, local: Answer, target: Answer): void {
  const wellFormed =
    i + 1 < slotCount(insns) &&
    src(insns, i) === 0 &&
    off(insns, i) === 0 &&
    opcode(insns, i + 1) === 0 &&
    dst(insns, i + 1) === 0 &&
    src(insns, i + 1) === 0 &&
    off(insns, i + 1) === 0;
  if (!wellFormed) throw unexpected(insns, i, 'an ld_imm64 of two slots with a plain number');
  const found = imm64(insns, i);
  if (found === local.unsigned) {
    setImm64(insns, i, local.value === local.unsigned ? target.value : (target.unsigned ?? target.value));
  } else {
    expectValue(local, found);
    setImm64(insns, i, target.value);
  }
}

/** An instruction with another value was relocated already, or is not the one that the record is about. */
function expectValue(local: Answer, found: bigint): void {
  if (!local.certain || found === local.value) return;
  throw new BpfError('CORE_INVALID', 'the instruction does not hold the value of the object’s own types', {
    found: `${BigInt.asIntN(64, found)}`,
    expected: `${BigInt.asIntN(64, local.value)}`,
    hint: 'instructions and .BTF.ext do not belong together; compile the object again',
  });
}

function unexpected(insns: Uint8Array, i: number, expected: string): BpfError {
  return new BpfError('CORE_INVALID', 'the instruction cannot be relocated', {
    found: `opcode 0x${opcode(insns, i).toString(16)}`,
    expected,
  });
}

function tooBig(value: bigint, room: string): BpfError {
  return new BpfError('CORE_INVALID', `${value} does not fit into ${room}`);
}
