/**
 * What is known of a register or of a slot of the stack on a way through a program.
 *
 * A bigint is a number, unsigned 64 bits. `other` is a value that nobody can know before the program runs: what is in
 * the context, what a helper returns. `lost` may be known to a verifier but is not to us, and may be an address on the
 * stack.
 */
export type Value = bigint | Address | 'other' | 'lost';

/** An address, which is never 0. `stack`, `kernel`, or the name of a map whose contents do not change. */
export interface Address {
  readonly to: string;
  /** From the frame pointer, or from the start of the map's value; undefined where it is not known. */
  readonly offset: number | undefined;
}

export const STACK = 'stack';
export const KERNEL = 'kernel';

export function isStack(value: Value): boolean {
  return value === 'lost' || (typeof value === 'object' && value.to === STACK);
}

export function sameValue(a: Value, b: Value): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  return a.to === b.to && a.offset === b.offset;
}

/** What holds for both. */
export function joined(a: Value, b: Value): Value {
  if (sameValue(a, b)) return a;
  return a === 'other' && b === 'other' ? 'other' : 'lost';
}

/** A value as a piece of a key. */
export function valueKey(value: Value): string {
  return typeof value === 'object' ? `${value.to}+${value.offset}` : String(value);
}

/** High four bits of arithmetic opcodes. Source: uapi/linux/bpf_common.h. */
const ADD = 0x00;
const SUB = 0x10;

/**
 * Arithmetic of class BPF_ALU or BPF_ALU64.
 *
 * @param operation high four bits of the opcode
 * @param wide 64 bits
 */
export function calculate(operation: number, wide: boolean, left: Value, right: Value): Value {
  if (typeof left === 'bigint' && typeof right === 'bigint') {
    return wide
      ? operate(operation, 64, left, right)
      : operate(operation, 32, BigInt.asUintN(32, left), BigInt.asUintN(32, right));
  }
  if (typeof left === 'object' && typeof right === 'bigint' && wide) return moved(operation, left, right);
  if (operation === ADD && typeof right === 'object' && typeof left === 'bigint' && wide) {
    return moved(operation, right, left);
  }
  if (isStack(left) || isStack(right)) return 'lost';
  return 'other';
}

function moved(operation: number, { to, offset }: Address, by: bigint): Value {
  if (operation !== ADD && operation !== SUB) return to === STACK ? 'lost' : 'other';
  if (offset === undefined) return { to, offset };
  const distance = Number(BigInt.asIntN(64, by));
  return { to, offset: operation === ADD ? offset + distance : offset - distance };
}

function operate(operation: number, bits: 32 | 64, left: bigint, right: bigint): Value {
  const result = results[operation];
  if (result === undefined) return 'lost';
  return BigInt.asUintN(bits, result(left, right, bits));
}

/** By the high four bits of the opcode; division by 0 gives 0, its remainder is the number (RFC 9669, 4.1). */
const results: Readonly<Record<number, (a: bigint, b: bigint, bits: 32 | 64) => bigint>> = {
  [ADD]: (a, b) => a + b,
  [SUB]: (a, b) => a - b,
  0x20: (a, b) => a * b,
  0x30: (a, b) => (b === 0n ? 0n : a / b),
  0x40: (a, b) => a | b,
  0x50: (a, b) => a & b,
  0x60: (a, b, bits) => a << (b & BigInt(bits - 1)),
  0x70: (a, b, bits) => a >> (b & BigInt(bits - 1)),
  0x80: (a) => -a,
  0x90: (a, b) => (b === 0n ? a : a % b),
  0xa0: (a, b) => a ^ b,
  0xc0: (a, b, bits) => BigInt.asIntN(bits, a) >> (b & BigInt(bits - 1)),
};

/** Whether a conditional jump is taken; undefined where that is not known. */
export function isTaken(operation: number, wide: boolean, left: Value, right: Value): boolean | undefined {
  if (typeof left === 'object' && right === 0n && wide) {
    if (operation === JEQ) return false;
    if (operation === JNE) return true;
  }
  if (typeof left !== 'bigint' || typeof right !== 'bigint') return undefined;
  const bits = wide ? 64 : 32;
  const compare = comparisons[operation];
  return compare?.(
    BigInt.asUintN(bits, left),
    BigInt.asUintN(bits, right),
    BigInt.asIntN(bits, left),
    BigInt.asIntN(bits, right),
  );
}

/** High four bits of jump opcodes. Source: uapi/linux/bpf_common.h, uapi/linux/bpf.h. */
export const JEQ = 0x10;
export const JNE = 0x50;

const comparisons: Readonly<
  Record<number, (a: bigint, b: bigint, signedA: bigint, signedB: bigint) => boolean>
> = {
  [JEQ]: (a, b) => a === b,
  0x20: (a, b) => a > b,
  0x30: (a, b) => a >= b,
  0x40: (a, b) => (a & b) !== 0n,
  [JNE]: (a, b) => a !== b,
  0x60: (_a, _b, a, b) => a > b,
  0x70: (_a, _b, a, b) => a >= b,
  0xa0: (a, b) => a < b,
  0xb0: (a, b) => a <= b,
  0xc0: (_a, _b, a, b) => a < b,
  0xd0: (_a, _b, a, b) => a <= b,
};
