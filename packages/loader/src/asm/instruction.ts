import { CALL, LD_IMM64, PSEUDO_CALL, PSEUDO_FUNC, PSEUDO_KFUNC_CALL } from './opcodes';

/**
 * Reading and writing single instructions where they lie. `insns` is always in canonical form: 8-byte slots of
 * `struct bpf_insn`, little endian, the destination register in the low nibble of byte 1. `i` counts slots, so an
 * `ld_imm64` takes `i` and `i + 1`. Callers keep `i` inside; nothing here checks it.
 */

/** Bytes of a slot. */
export const SLOT = 8;

/** Number of slots. */
export function slotCount(insns: Uint8Array): number {
  return insns.length / SLOT;
}

export function opcode(insns: Uint8Array, i: number): number {
  return insns[i * SLOT]!;
}

export function dst(insns: Uint8Array, i: number): number {
  return insns[i * SLOT + 1]! & 15;
}

export function src(insns: Uint8Array, i: number): number {
  return insns[i * SLOT + 1]! >> 4;
}

/** The signed 16-bit offset. */
export function off(insns: Uint8Array, i: number): number {
  const at = i * SLOT;
  return ((insns[at + 2]! | (insns[at + 3]! << 8)) << 16) >> 16;
}

/** The signed 32-bit immediate. */
export function imm(insns: Uint8Array, i: number): number {
  const at = i * SLOT;
  return insns[at + 4]! | (insns[at + 5]! << 8) | (insns[at + 6]! << 16) | (insns[at + 7]! << 24);
}

/** The unsigned 64-bit immediate of an `ld_imm64`: this slot's is the lower half, the next slot's the upper. */
export function imm64(insns: Uint8Array, i: number): bigint {
  return (BigInt(imm(insns, i + 1) >>> 0) << 32n) | BigInt(imm(insns, i) >>> 0);
}

export function setOpcode(insns: Uint8Array, i: number, value: number): void {
  insns[i * SLOT] = value;
}

export function setDst(insns: Uint8Array, i: number, value: number): void {
  insns[i * SLOT + 1] = (insns[i * SLOT + 1]! & 0xf0) | (value & 15);
}

export function setSrc(insns: Uint8Array, i: number, value: number): void {
  insns[i * SLOT + 1] = (insns[i * SLOT + 1]! & 15) | ((value & 15) << 4);
}

export function setOff(insns: Uint8Array, i: number, value: number): void {
  const at = i * SLOT;
  insns[at + 2] = value & 0xff;
  insns[at + 3] = (value >> 8) & 0xff;
}

/** Sets the lower 32 bits of a signed or unsigned value. */
export function setImm(insns: Uint8Array, i: number, value: number): void {
  const at = i * SLOT;
  insns[at + 4] = value & 0xff;
  insns[at + 5] = (value >> 8) & 0xff;
  insns[at + 6] = (value >> 16) & 0xff;
  insns[at + 7] = (value >> 24) & 0xff;
}

/** Sets both halves of an `ld_imm64`'s immediate from the low 64 bits of a value. */
export function setImm64(insns: Uint8Array, i: number, value: bigint): void {
  setImm(insns, i, Number(BigInt.asIntN(32, value)));
  setImm(insns, i + 1, Number(BigInt.asIntN(32, value >> 32n)));
}

/** The instruction of two slots that loads a 64-bit immediate, a map, a variable's or a function's address. */
export function isLdImm64(insns: Uint8Array, i: number): boolean {
  return opcode(insns, i) === LD_IMM64;
}

/** A call of a helper, of another BPF function or of a kfunc. */
export function isCall(insns: Uint8Array, i: number): boolean {
  return opcode(insns, i) === CALL;
}

export function isHelperCall(insns: Uint8Array, i: number): boolean {
  return isCall(insns, i) && src(insns, i) === 0;
}

/** A call of another BPF function of the program. */
export function isPseudoCall(insns: Uint8Array, i: number): boolean {
  return isCall(insns, i) && src(insns, i) === PSEUDO_CALL;
}

export function isKfuncCall(insns: Uint8Array, i: number): boolean {
  return isCall(insns, i) && src(insns, i) === PSEUDO_KFUNC_CALL;
}

/** Loads the address of another BPF function of the program. */
export function isPseudoFunc(insns: Uint8Array, i: number): boolean {
  return isLdImm64(insns, i) && src(insns, i) === PSEUDO_FUNC;
}
