import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_END,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOV,
  BPF_ST,
  BPF_STX,
  BPF_X,
  dst,
  imm,
  imm64,
  isLdImm64,
  off,
  opcode,
  PSEUDO_MAP_VALUE,
  src,
} from '../asm';
import { calculate, isStack, joined, KERNEL, sameValue, STACK, type Value, valueKey } from './reach-value';

/** The value of a frozen map. */
export interface FrozenValue {
  /** In bytes: what `data` does not have is zero, and may be as much as a file likes to say. */
  readonly size: number;
  readonly data: Uint8Array;
}

/** What instructions look at beside registers and stack. */
export interface ReachedProgram {
  readonly instructions: Uint8Array;
  /** Names of frozen maps, by the instruction that loads an address in them. */
  readonly constants: ReadonlyMap<number, string>;
  /** What is in these maps, by name. */
  readonly contents: ReadonlyMap<string, FrozenValue>;
  /** `ld_imm64` whose number is filled in by a loader. */
  readonly open: ReadonlySet<number>;
}

const FRAME_POINTER = 10;
/** r0, and the arguments that a call leaves undefined. */
const AFTER_CALL = 6;
const BYTES = [4, 2, 1, 8];

/** Registers and stack at one place of a program. */
export class State {
  private constructor(
    readonly registers: Value[],
    /** Values of 8 bytes by their distance from the frame pointer; what is not here is lost. */
    private readonly slots: Map<number, Value>,
  ) {}

  /** At the start of a function. */
  static entry(given: readonly Value[] = []): State {
    const registers: Value[] = Array.from({ length: FRAME_POINTER }, () => 'other');
    for (let i = 1; i < AFTER_CALL; i++) {
      const value = given[i];
      // The stack of the caller is another one.
      if (value !== undefined) registers[i] = typeof value === 'bigint' ? value : 'other';
    }
    registers.push({ to: STACK, offset: 0 });
    return new State(registers, new Map());
  }

  copy(): State {
    return new State([...this.registers], new Map(this.slots));
  }

  key(): string {
    const slots = [...this.slots].sort(([a], [b]) => a - b).map(([at, value]) => `${at}=${valueKey(value)}`);
    return `${this.registers.map(valueKey).join()};${slots.join()}`;
  }

  /** Takes in what another way to the same place knows. @returns whether that is less */
  join(other: State): boolean {
    let changed = false;
    this.registers.forEach((value, i) => {
      const both = joined(value, other.registers[i]!);
      if (!sameValue(both, value)) changed = true;
      this.registers[i] = both;
    });
    for (const [at, value] of this.slots) {
      const its = other.slots.get(at);
      if (its !== undefined && sameValue(value, its)) continue;
      this.slots.delete(at);
      changed = true;
    }
    return changed;
  }

  /** What a call of a helper or kfunc leaves. */
  call(): void {
    for (let i = 1; i < AFTER_CALL; i++) {
      const value = this.registers[i]!;
      if (isStack(value)) this.forget(value);
    }
    this.registers.fill('other', 0, AFTER_CALL);
  }

  /** What a call of another function of the program leaves, which returns this. */
  callFunction(result: 'other' | 'lost'): void {
    this.call();
    this.registers[0] = result;
  }

  /** Takes the result of a function that was followed. Its stack is gone. */
  returned({ registers: [result] }: State): void {
    this.registers[0] = isStack(result!) ? 'lost' : result!;
  }

  /** Behind an instruction that no kernel takes. */
  giveUp(): void {
    this.registers.fill('lost', 0, FRAME_POINTER);
    this.slots.clear();
  }

  /** An instruction that is neither a jump nor a call. */
  execute(program: ReachedProgram, i: number): void {
    const { instructions: insns } = program;
    switch (opcode(insns, i) & 7) {
      case BPF_ALU:
      case BPF_ALU64:
        this.registers[dst(insns, i)] = this.arithmetic(insns, i);
        return;
      case BPF_LD:
        if (isLdImm64(insns, i)) this.registers[dst(insns, i)] = immediate(program, i);
        // BPF_ABS and BPF_IND read the packet, and are calls to the rest of the program.
        else this.registers.fill('other', 0, AFTER_CALL);
        return;
      case BPF_LDX:
        this.registers[dst(insns, i)] = this.load(program, i);
        return;
      case BPF_ST:
      case BPF_STX:
        this.store(insns, i);
        return;
      default:
    }
  }

  /** The second operand of arithmetic and of jumps. */
  operand(insns: Uint8Array, i: number): Value {
    if ((opcode(insns, i) & BPF_X) !== 0) return this.registers[src(insns, i)]!;
    return BigInt.asUintN(64, BigInt(imm(insns, i)));
  }

  private arithmetic(insns: Uint8Array, i: number): Value {
    const code = opcode(insns, i);
    const wide = (code & 7) === BPF_ALU64;
    const operation = code & 0xf0;
    const left = this.registers[dst(insns, i)]!;
    if (operation === BPF_END) return left === 'other' ? 'other' : 'lost';
    const right = this.operand(insns, i);
    // A signed division, or a move that extends the sign.
    if (off(insns, i) !== 0) return left === 'other' && right === 'other' ? 'other' : 'lost';
    if (operation !== BPF_MOV) return calculate(operation, wide, left, right);
    if (wide) return right;
    if (typeof right === 'bigint') return BigInt.asUintN(32, right);
    return right === 'other' ? 'other' : 'lost';
  }

  private load({ instructions: insns, contents }: ReachedProgram, i: number): Value {
    const from = this.registers[src(insns, i)]!;
    const mode = opcode(insns, i) & 0xe0;
    if (typeof from !== 'object') return from === 'other' ? 'other' : 'lost';
    const size = BYTES[(opcode(insns, i) >> 3) & 3]!;
    const value = contents.get(from.to);
    if (from.to !== STACK && value === undefined) return 'other';
    if (from.offset === undefined) return 'lost';
    const at = from.offset + off(insns, i);
    if (value === undefined) return (size === 8 ? this.slots.get(at) : undefined) ?? 'lost';
    if (at < 0 || at + size > value.size || (mode !== BPF_MEM && mode !== BPF_MEMSX)) return 'lost';
    let read = 0n;
    for (let byte = size - 1; byte >= 0; byte--) read = (read << 8n) | BigInt(value.data[at + byte] ?? 0);
    return mode === BPF_MEM ? read : BigInt.asUintN(64, BigInt.asIntN(size * 8, read));
  }

  private store(insns: Uint8Array, i: number): void {
    const code = opcode(insns, i);
    const to = this.registers[dst(insns, i)]!;
    const atomic = (code & 7) === BPF_STX && (code & 0xe0) === BPF_ATOMIC;
    if (isStack(to)) {
      const at = typeof to === 'object' && to.offset !== undefined ? to.offset + off(insns, i) : undefined;
      const size = BYTES[(code >> 3) & 3]!;
      this.forget(to, at, size);
      if (at !== undefined && size === 8 && !atomic) {
        const value =
          (code & 7) === BPF_STX ? this.registers[src(insns, i)]! : BigInt.asUintN(64, BigInt(imm(insns, i)));
        this.slots.set(at, value);
      }
    }
    if (!atomic) return;
    // Which registers an atomic operation writes depends on its kind: r0, the source, or the destination of a load.
    this.registers[0] = 'lost';
    this.registers[src(insns, i)] = 'lost';
    if (dst(insns, i) !== FRAME_POINTER) this.registers[dst(insns, i)] = 'lost';
  }

  /** Slots that something is written over: a few bytes at a place, all behind an address, or any. */
  private forget(
    value: Value,
    at = typeof value === 'object' ? value.offset : undefined,
    size = Infinity,
  ): void {
    if (at === undefined) {
      this.slots.clear();
      return;
    }
    for (const slot of this.slots.keys()) {
      if (slot + 8 > at && slot < at + size) this.slots.delete(slot);
    }
  }
}

function immediate({ instructions: insns, constants, open }: ReachedProgram, i: number): Value {
  if (open.has(i)) return 'lost';
  switch (src(insns, i)) {
    case 0:
      return imm64(insns, i);
    case PSEUDO_MAP_VALUE: {
      const map = constants.get(i);
      return { to: map ?? KERNEL, offset: map === undefined ? undefined : imm(insns, i + 1) };
    }
    default:
      return { to: KERNEL, offset: undefined };
  }
}
