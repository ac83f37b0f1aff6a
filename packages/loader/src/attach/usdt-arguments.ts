import { EM_AARCH64, EM_X86_64 } from '../elf';
import { BpfError } from '../errors';
import { arm64RegisterOffsets, type RegisterOffsets, x64RegisterOffsets } from './pt-regs';

/** Where an argument of a USDT probe is when the probe is passed. Registers are offsets in `struct pt_regs`. */
export type UsdtPlace =
  | { readonly kind: 'constant'; readonly value: bigint }
  | { readonly kind: 'register'; readonly register: number }
  /** In memory, at a register's value plus an offset. */
  | { readonly kind: 'memory'; readonly register: number; readonly offset: bigint }
  /** In memory, at a register's value plus an offset, plus another's times 1, 2, 4 or 8. */
  | {
      readonly kind: 'indexed';
      readonly register: number;
      readonly offset: bigint;
      readonly index: number;
      readonly scale: number;
    };

export interface UsdtArgument {
  /** Bytes. */
  readonly size: number;
  readonly signed: boolean;
  readonly place: UsdtPlace;
}

/** The operands of a processor's assembler. */
interface Syntax {
  readonly registers: RegisterOffsets;
  readonly place: (text: string, registers: RegisterOffsets) => UsdtPlace | undefined;
}

const syntaxes: Readonly<Record<number, Syntax>> = {
  [EM_X86_64]: { registers: x64RegisterOffsets, place: x64Place },
  [EM_AARCH64]: { registers: arm64RegisterOffsets, place: arm64Place },
};

/** A size, `@`, and an operand, which may have spaces only between brackets. */
const argument = /(-?\d+)(f?)@((?:\[[^\]]*\]|\([^)]*\)|[^\s[(])+)\s*/y;

/**
 * Parses the arguments of a USDT probe: for each its size in bytes, negative if it is signed, and the operand that holds
 * it, as the assembler writes it: `-4@%edi 8@-8(%rbp) 4@$7` or `-4@w0 8@[x29, -8] 4@7`. Numbers with a fraction are
 * their bytes.
 *
 * Source: "UserSpaceProbeImplementation" of SystemTap.
 *
 * @param machine `e_machine` of the binary
 * @throws BpfError USDT_UNSUPPORTED with the argument that it is about
 */
export function parseUsdtArguments(text: string, machine: number): UsdtArgument[] {
  const syntax = syntaxes[machine];
  if (syntax === undefined) throw unsupported(text, `arguments for machine ${machine}`);
  const found: UsdtArgument[] = [];
  argument.lastIndex = 0;
  const trimmed = text.trim();
  while (argument.lastIndex < trimmed.length) {
    const start = argument.lastIndex;
    const match = argument.exec(trimmed);
    if (match === null) throw unsupported(text, `argument ${found.length}: '${trimmed.slice(start)}'`);
    const [whole, size = '', float, operand = ''] = match;
    const place = syntax.place(operand, syntax.registers);
    const bytes = Math.abs(Number(size));
    if (place === undefined || ![1, 2, 4, 8].includes(bytes))
      throw unsupported(text, `argument ${found.length}: '${whole.trim()}'`);
    found.push({ size: bytes, signed: size.startsWith('-') && float === '', place });
  }
  return found;
}

/** `$7`, `%rdi`, `-8(%rbp)`, `16(%rdi,%rsi,8)`. */
function x64Place(text: string, registers: RegisterOffsets): UsdtPlace | undefined {
  const constant = /^\$(-?(?:0x[0-9a-f]+|\d+))$/i.exec(text);
  if (constant !== null) return constantPlace(constant[1]!);
  if (text.startsWith('%')) return registerPlace(registers.get(text.slice(1)));
  const memory = /^(-?(?:0x[0-9a-f]+|\d+))?\(%(\w+)(?:,%(\w+)(?:,([1248]))?)?\)$/i.exec(text);
  if (memory === null) return undefined;
  const [, displacement = '0', base = '', index, scale = '1'] = memory;
  const [register, offset] = [registers.get(base), number(displacement)];
  if (register === undefined || offset === undefined) return undefined;
  if (index === undefined) return { kind: 'memory', register, offset };
  const indexRegister = registers.get(index);
  if (indexRegister === undefined) return undefined;
  return { kind: 'indexed', register, offset, index: indexRegister, scale: Number(scale) };
}

/** `7`, `x0`, `[sp, 16]`. */
function arm64Place(text: string, registers: RegisterOffsets): UsdtPlace | undefined {
  if (/^-?(?:0x[0-9a-f]+|\d+)$/i.test(text)) return constantPlace(text);
  if (!text.startsWith('[')) return registerPlace(registers.get(text));
  const memory = /^\[\s*(\w+)\s*(?:,\s*#?(-?(?:0x[0-9a-f]+|\d+))\s*)?\]$/i.exec(text);
  if (memory === null) return undefined;
  const [register, offset] = [registers.get(memory[1]!), number(memory[2] ?? '0')];
  return register === undefined || offset === undefined ? undefined : { kind: 'memory', register, offset };
}

function constantPlace(text: string): UsdtPlace | undefined {
  const value = number(text);
  return value === undefined ? undefined : { kind: 'constant', value };
}

function registerPlace(register: number | undefined): UsdtPlace | undefined {
  return register === undefined ? undefined : { kind: 'register', register };
}

/** Of 64 bits, signed or not; undefined for a larger one. */
function number(text: string): bigint | undefined {
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  return value >= -(1n << 63n) && value < 1n << 64n ? value : undefined;
}

function unsupported(text: string, found: string): BpfError {
  return new BpfError(
    'USDT_UNSUPPORTED',
    `the arguments of a probe, '${text}', cannot be found by a program`,
    {
      symbol: text,
      found,
      expected: 'a size of 1, 2, 4 or 8 bytes, and a constant, a register, or memory at a register',
    },
  );
}
