import { helperNames } from './helpers';
import { dst, imm, imm64, isLdImm64, off, opcode, slotCount, SLOT, src } from './instruction';
import * as op from './opcodes';
import {
  arithmeticOperators,
  ATOMIC_CMPXCHG,
  ATOMIC_LOAD_ACQUIRE,
  ATOMIC_STORE_RELEASE,
  ATOMIC_XCHG,
  atomicFetches,
  atomicOperators,
  jumpOperators,
  signedOperators,
  signedSizeNames,
  sizeNames,
} from './operators';

export interface DisassembleOptions {
  /** Puts `<slot>: (<opcode>) ` before each line, as the verifier's log does. */
  readonly numbers?: boolean;
  /** What an instruction refers to, by slot: a map's, function's or kfunc's name. It is printed instead of a number. */
  readonly symbol?: (insn: number) => string | undefined;
}

/**
 * Instructions as text, a line each, in the notation of the kernel verifier's log. An `ld_imm64` is one line for its
 * two slots. What no kernel has an instruction for is printed as its eight bytes.
 *
 * @param insns canonical instructions; a slot cut short at the end is left out
 *
 * @example
 * ```ts
 * const insns = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
 * disassemble(insns); // ['r0 = 2', 'exit']
 * disassemble(insns, { numbers: true }); // ['0: (b7) r0 = 2', '1: (95) exit']
 * ```
 */
export function disassemble(insns: Uint8Array, options: DisassembleOptions = {}): string[] {
  const lines: string[] = [];
  const count = Math.floor(slotCount(insns));
  for (let i = 0; i < count; i++) {
    const wide = isLdImm64(insns, i) && i + 1 < count;
    const text = wide ? loadImmediate(insns, i, options) : instruction(insns, i, options);
    const prefix = options.numbers ? `${i}: (${hex(opcode(insns, i))}) ` : '';
    lines.push(prefix + (text ?? `unknown ${raw(insns, i)}`));
    if (wide) i++;
  }
  return lines;
}

function instruction(insns: Uint8Array, i: number, options: DisassembleOptions): string | undefined {
  switch (opcode(insns, i) & 7) {
    case op.BPF_ALU:
    case op.BPF_ALU64:
      return arithmetic(insns, i);
    case op.BPF_JMP:
    case op.BPF_JMP32:
      return jump(insns, i, options);
    case op.BPF_LDX:
      return load(insns, i);
    case op.BPF_ST:
      return storeImmediate(insns, i);
    case op.BPF_STX:
      return store(insns, i);
    default:
      return loadPacket(insns, i);
  }
}

function arithmetic(insns: Uint8Array, i: number): string | undefined {
  const code = opcode(insns, i);
  const wide = (code & 7) === op.BPF_ALU64;
  const register = wide ? 'r' : 'w';
  const to = `${register}${dst(insns, i)}`;
  const operation = code & 0xf0;
  if (operation === op.BPF_END) return swapBytes(insns, i);
  if (operation === op.BPF_NEG) return (code & op.BPF_X) === 0 ? `${to} = -${to}` : undefined;
  const plain = arithmeticOperators[operation >> 4];
  if (plain === undefined) return undefined;
  const offset = off(insns, i);
  const operator = offset === 1 ? (signedOperators[plain] ?? plain) : plain;
  if ((code & op.BPF_X) === 0) return `${to} ${operator} ${imm(insns, i)}`;
  const from = `${register}${src(insns, i)}`;
  if (operation === op.BPF_MOV && offset !== 0) return moveWithOffset(insns, i, to, from);
  return `${to} ${operator} ${from}`;
}

/**
 * Moves that extend a sign (Linux 6.6), change an arena pointer's address space (6.9), or in translated programs add
 * this CPU's offset (6.10).
 */
function moveWithOffset(insns: Uint8Array, i: number, to: string, from: string): string | undefined {
  const offset = off(insns, i);
  if (offset === 8 || offset === 16 || offset === 32) return `${to} = (s${offset})${from}`;
  const value = imm(insns, i);
  if (offset === -1) return `${to} = &(void __percpu *)(${from})`;
  if (offset === 1) return `${to} = addr_space_cast(${from}, ${value >>> 16}, ${value & 0xffff})`;
  return undefined;
}

function swapBytes(insns: Uint8Array, i: number): string {
  const code = opcode(insns, i);
  const swap = (code & 7) === op.BPF_ALU64 ? 'bswap' : (code & op.BPF_X) !== 0 ? 'be' : 'le';
  return `r${dst(insns, i)} = ${swap}${imm(insns, i)} r${dst(insns, i)}`;
}

function jump(insns: Uint8Array, i: number, options: DisassembleOptions): string | undefined {
  const code = opcode(insns, i);
  const narrow = (code & 7) === op.BPF_JMP32;
  const operation = code & 0xf0;
  if (code === op.CALL) return call(insns, i, options);
  if (code === (op.CALL | op.BPF_X)) return `callx r${dst(insns, i)}`;
  if (code === (op.BPF_JMP | op.BPF_EXIT)) return 'exit';
  if (code === (op.BPF_JMP | op.BPF_JCOND)) return `may_goto pc${signed(off(insns, i))}`;
  if (code === (op.BPF_JMP | op.BPF_JA | op.BPF_X)) return `gotox r${dst(insns, i)}`;
  if (code === (op.BPF_JMP | op.BPF_JA)) return `goto pc${signed(off(insns, i))}`;
  if (code === (op.BPF_JMP32 | op.BPF_JA)) return `gotol pc${signed(imm(insns, i))}`;
  const operator = jumpOperators[operation >> 4];
  if (operator === undefined) return undefined;
  const register = narrow ? 'w' : 'r';
  const right =
    (code & op.BPF_X) !== 0 ? `${register}${src(insns, i)}` : `0x${(imm(insns, i) >>> 0).toString(16)}`;
  return `if ${register}${dst(insns, i)} ${operator} ${right} goto pc${signed(off(insns, i))}`;
}

function call(insns: Uint8Array, i: number, options: DisassembleOptions): string | undefined {
  const name = options.symbol?.(i);
  if (name !== undefined) return `call ${name}`;
  const value = imm(insns, i);
  switch (src(insns, i)) {
    case 0: {
      const helper = helperNames[value];
      return `call ${helper === undefined ? 'unknown' : `bpf_${helper}`}#${value}`;
    }
    case op.PSEUDO_CALL:
      return `call pc${signed(value)}`;
    case op.PSEUDO_KFUNC_CALL:
      return `call kernel-function#${value}`;
    default:
      return undefined;
  }
}

function load(insns: Uint8Array, i: number): string | undefined {
  const code = opcode(insns, i);
  const mode = code & 0xe0;
  const names = mode === op.BPF_MEM ? sizeNames : mode === op.BPF_MEMSX ? signedSizeNames : [];
  const size = names[(code >> 3) & 3];
  return size && `r${dst(insns, i)} = ${memory(size, src(insns, i), off(insns, i))}`;
}

function storeImmediate(insns: Uint8Array, i: number): string | undefined {
  const code = opcode(insns, i);
  if (code === op.NOSPEC) return 'nospec';
  if ((code & 0xe0) !== op.BPF_MEM) return undefined;
  return `${memory(sizeName(code), dst(insns, i), off(insns, i))} = ${imm(insns, i)}`;
}

function store(insns: Uint8Array, i: number): string | undefined {
  const code = opcode(insns, i);
  const place = memory(sizeName(code), dst(insns, i), off(insns, i));
  if ((code & 0xe0) === op.BPF_MEM) return `${place} = r${src(insns, i)}`;
  return (code & 0xe0) === op.BPF_ATOMIC ? atomic(insns, i) : undefined;
}

function atomic(insns: Uint8Array, i: number): string | undefined {
  const code = opcode(insns, i);
  const size = sizeName(code);
  const from = `r${src(insns, i)}`;
  const at = (register: number) => `(${size} *)(r${register} ${signed(off(insns, i))})`;
  const to = at(dst(insns, i));
  const width = size === 'u64' ? '64' : '';
  const action = imm(insns, i);
  if (action === ATOMIC_LOAD_ACQUIRE) return `r${dst(insns, i)} = load_acquire(${at(src(insns, i))})`;
  if (action === ATOMIC_STORE_RELEASE) return `store_release(${to}, ${from})`;
  if (size === 'u8' || size === 'u16') return undefined;
  if (action === ATOMIC_XCHG) return `${from} = atomic${width}_xchg(${to}, ${from})`;
  if (action === ATOMIC_CMPXCHG) return `r0 = atomic${width}_cmpxchg(${to}, r0, ${from})`;
  const operator = atomicOperators[action];
  if (operator !== undefined) return `lock *${to} ${operator} ${from}`;
  const fetch = atomicFetches[action];
  return fetch && `${from} = atomic${width}_fetch_${fetch}(${to}, ${from})`;
}

/** The old packet loads of socket filters, relative to the packet's start. */
function loadPacket(insns: Uint8Array, i: number): string | undefined {
  const code = opcode(insns, i);
  const size = sizeName(code);
  if ((code & 0xe0) === op.BPF_ABS) return `r0 = *(${size} *)skb[${imm(insns, i)}]`;
  if ((code & 0xe0) === op.BPF_IND) return `r0 = *(${size} *)skb[r${src(insns, i)} + ${imm(insns, i)}]`;
  return undefined;
}

function loadImmediate(insns: Uint8Array, i: number, options: DisassembleOptions): string | undefined {
  const to = `r${dst(insns, i)} = `;
  const name = options.symbol?.(i);
  const low = imm(insns, i);
  const high = imm(insns, i + 1) >>> 0;
  switch (src(insns, i)) {
    case 0:
      return `${to}${name ?? `0x${imm64(insns, i).toString(16)}`}`;
    case op.PSEUDO_MAP_FD:
      return `${to}map[${name ?? `fd:${low}`}]`;
    case op.PSEUDO_MAP_VALUE:
      return `${to}map[${name ?? `fd:${low}`}][0]+${high}`;
    case op.PSEUDO_BTF_ID:
      return `${to}${name ?? `btf_id:${low}`}`;
    case op.PSEUDO_FUNC:
      return `${to}func[${name ?? `pc${signed(low)}`}]`;
    case op.PSEUDO_MAP_IDX:
      return `${to}map[${name ?? `idx:${low}`}]`;
    case op.PSEUDO_MAP_IDX_VALUE:
      return `${to}map[${name ?? `idx:${low}`}][0]+${high}`;
    default:
      return undefined;
  }
}

function memory(size: string, base: number, offset: number): string {
  return `*(${size} *)(r${base} ${signed(offset)})`;
}

function sizeName(code: number): string {
  return sizeNames[(code >> 3) & 3]!;
}

function signed(value: number): string {
  return value < 0 ? `${value}` : `+${value}`;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function raw(insns: Uint8Array, i: number): string {
  return Array.from(insns.subarray(i * SLOT, (i + 1) * SLOT), hex).join(' ');
}
