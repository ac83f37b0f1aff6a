import {
  BPF_CALL,
  BPF_EXIT,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_X,
  dst,
  imm,
  isCall,
  isLdImm64,
  isPseudoCall,
  isPseudoFunc,
  off,
  opcode,
  slotCount,
} from '../asm';
import { type RelocatedObject, type RelocatedProgram } from './relocated';
import { FUNC_INFO, staticFunctions, viewOf } from './reach-program';
import { type ReachedProgram, State } from './reach-state';
import { isTaken, JEQ, JNE, type Value } from './reach-value';

/**
 * Whether a verifier comes to an instruction. `no`: no way leads there, so dead code elimination removes it.
 * `maybe`: a way that a verifier could know to be closed.
 */
export type Reached = 'yes' | 'maybe' | 'no';

/** Most instructions that are followed way by way; then what ways to a place have in common has to do. */
const MOST_STEPS = 200_000;

/** `MAX_CALL_FRAMES` of include/linux/bpf_verifier.h. */
const MOST_FRAMES = 8;

/**
 * Which instructions of a relocated program can be reached, given what relocation has settled: the answers of CO-RE
 * existence checks, missing weak symbols, and the values of constants and of the kernel's configuration. Ways are
 * followed one by one with every number that is known, as a verifier does; where there are too many, all ways to a
 * place are taken together.
 *
 * @returns asked for an instruction of the program (in slots), whether it is reached
 *
 * @example
 * ```ts
 * const relocated = relocateObject(parseObject(bytes, { name: 'edge' }), { btf: () => kernelBtf });
 * const reached = reachOf(relocated, relocated.programs[0]!);
 * reached(0); // 'yes'
 * ```
 */
export function reachOf(object: RelocatedObject, program: RelocatedProgram): (insn: number) => Reached {
  const walk = new Walk(viewOf(object, program), program, staticFunctions(object, program));
  return walk.run();
}

/** A place to go on from. `sure`: every jump on the way there is one that a verifier cannot decide either. */
interface Place {
  readonly at: number;
  readonly state: State;
  readonly sure: boolean;
  /** Calls that this is within; undefined: none that is returned from. */
  readonly frame?: Frame | undefined;
}

/** A call of a static function, which is followed as if its body stood there, as the verifier does. */
interface Frame {
  readonly returnTo: number;
  /** What the caller knows when it goes on, but for the result. */
  readonly caller: State;
  readonly outer: Frame | undefined;
  readonly depth: number;
  readonly key: string;
}

class Walk {
  private readonly surely = new Set<number>();
  private readonly perhaps = new Set<number>();
  private readonly poisoned: ReadonlySet<number>;
  /** Where ways meet: jumped to, or the start of a function. */
  private readonly meeting: ReadonlySet<number>;
  private readonly tableTargets: readonly number[];

  constructor(
    private readonly program: ReachedProgram,
    { poisoned, bindings, funcInfo }: RelocatedProgram,
    /** By the start of the function. */
    private readonly statics: ReadonlyMap<number, boolean>,
  ) {
    this.poisoned = new Set(poisoned.map(({ insn }) => insn));
    this.tableTargets = bindings.flatMap((each) => (each.kind === 'jump-table' ? each.targets : []));
    this.meeting = this.meetingPlaces();
    this.starts = this.roots(funcInfo);
  }

  private readonly starts: readonly number[];

  run(): (insn: number) => Reached {
    if (this.oneByOne()) {
      return (insn) => (this.surely.has(insn) ? 'yes' : this.perhaps.has(insn) ? 'maybe' : 'no');
    }
    const together = this.together();
    return (insn) => (this.surely.has(insn) ? 'yes' : together.has(insn) ? 'maybe' : 'no');
  }

  /** @returns false if there were too many ways */
  private oneByOne(): boolean {
    const seen = new Set<string>();
    const open: Place[] = this.starts.map((at) => ({ at, state: State.entry(), sure: true }));
    let steps = 0;
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      let next: Place[] = [place];
      while (next.length === 1) {
        const here = next[0]!;
        if (this.meeting.has(here.at)) {
          const key = `${here.at} ${here.sure} ${here.state.key()}${here.frame?.key ?? ''}`;
          if (seen.has(key)) {
            next = [];
            break;
          }
          seen.add(key);
        }
        if (++steps > MOST_STEPS) return false;
        (here.sure ? this.surely : this.perhaps).add(here.at);
        next = this.step(here, true);
      }
      open.push(...next);
    }
    return true;
  }

  private together(): ReadonlySet<number> {
    const states = new Map<number, State>();
    const open: number[] = [];
    const arrive = ({ at, state }: Place): void => {
      const known = states.get(at);
      if (known === undefined) states.set(at, state.copy());
      else if (!known.join(state)) return;
      open.push(at);
    };
    for (const at of this.starts) arrive({ at, state: State.entry(), sure: false });
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      for (const next of this.step({ at, state: states.get(at)!.copy(), sure: false }, false)) arrive(next);
    }
    return new Set(states.keys());
  }

  /**
   * The places behind one: its state is used up.
   *
   * @param follows whether calls of static functions are followed into these and back, with what they return
   */
  private step(place: Place, follows: boolean): Place[] {
    const { at, state, sure, frame } = place;
    const { instructions: insns } = this.program;
    const count = slotCount(insns);
    const within = (places: readonly Place[]): Place[] =>
      places.filter((next) => next.at >= 0 && next.at < count);
    const width = isLdImm64(insns, at) ? 2 : 1;
    if (this.poisoned.has(at)) {
      state.giveUp();
      return within([{ at: at + 1, state, sure, frame }]);
    }
    const family = opcode(insns, at) & 7;
    if (family !== BPF_JMP && family !== BPF_JMP32) {
      const called = isPseudoFunc(insns, at)
        ? [{ at: at + imm(insns, at) + 1, state: State.entry(), sure }]
        : [];
      state.execute(this.program, at);
      return within([...called, { at: at + width, state, sure, frame }]);
    }
    if (isCall(insns, at)) {
      if (isPseudoCall(insns, at)) return within(this.call(place, follows));
      state.call();
      return within([{ at: at + 1, state, sure, frame }]);
    }
    return within(this.jump(place));
  }

  /** A call of another function of the program. */
  private call({ at, state, sure, frame }: Place, follows: boolean): Place[] {
    const start = at + imm(this.program.instructions, at) + 1;
    const entry = State.entry(state.registers);
    const isStatic = this.statics.get(start);
    const depth = (frame?.depth ?? 0) + 1;
    // Of a global function a verifier takes any result, whatever it is called with.
    state.callFunction(isStatic === false ? 'other' : 'lost');
    if (!follows || isStatic !== true || depth >= MOST_FRAMES)
      return [
        { at: start, state: entry, sure },
        { at: at + 1, state, sure, frame },
      ];
    const key = ` ${at + 1} ${state.key()}${frame?.key ?? ''}`;
    return [
      { at: start, state: entry, sure, frame: { returnTo: at + 1, caller: state, outer: frame, depth, key } },
    ];
  }

  private jump({ at, state, sure, frame }: Place): Place[] {
    const { instructions: insns } = this.program;
    const code = opcode(insns, at);
    const wide = (code & 7) === BPF_JMP;
    const operation = code & 0xf0;
    if (operation === BPF_EXIT) {
      if (frame === undefined) return [];
      const caller = frame.caller.copy();
      caller.returned(state);
      return [{ at: frame.returnTo, state: caller, sure, frame: frame.outer }];
    }
    if (operation === BPF_JA) {
      if ((code & BPF_X) !== 0) {
        return this.tableTargets.map((target) => ({ at: target, state: state.copy(), sure: false, frame }));
      }
      return [{ at: at + 1 + (wide ? off(insns, at) : imm(insns, at)), state, sure, frame }];
    }
    const target = at + 1 + off(insns, at);
    if (operation === BPF_JCOND) {
      return [
        { at: at + 1, state: state.copy(), sure, frame },
        { at: target, state, sure, frame },
      ];
    }
    const left = state.registers[dst(insns, at)]!;
    const right = state.operand(insns, at);
    const taken = isTaken(operation, wide, left, right);
    if (taken !== undefined) return [{ at: taken ? target : at + 1, state, sure, frame }];
    const both = sure && isOpen(left) && isOpen(right);
    const ahead = state.copy();
    // The way on which a register equals a number knows it from there on.
    if (wide && typeof right === 'bigint') {
      if (operation === JEQ) state.registers[dst(insns, at)] = right;
      if (operation === JNE) ahead.registers[dst(insns, at)] = right;
    }
    return [
      { at: at + 1, state: ahead, sure: both, frame },
      { at: target, state, sure: both, frame },
    ];
  }

  private meetingPlaces(): ReadonlySet<number> {
    const { instructions: insns } = this.program;
    const places = new Set(this.tableTargets);
    for (let i = 0; i < slotCount(insns); i += isLdImm64(insns, i) ? 2 : 1) {
      if (isPseudoFunc(insns, i) || isPseudoCall(insns, i)) places.add(i + imm(insns, i) + 1);
      const code = opcode(insns, i);
      const family = code & 7;
      if ((family !== BPF_JMP && family !== BPF_JMP32) || (code & 0xf0) === BPF_CALL) continue;
      places.add(i + 1 + (code === (BPF_JMP32 | BPF_JA) ? imm(insns, i) : off(insns, i)));
    }
    return places;
  }

  /** The main function, and functions that nothing calls: the kernel does, such as an exception callback. */
  private roots(funcInfo: Uint8Array): readonly number[] {
    const { instructions: insns } = this.program;
    const called = new Set<number>();
    for (let i = 0; i < slotCount(insns); i += isLdImm64(insns, i) ? 2 : 1) {
      if (isPseudoFunc(insns, i) || isPseudoCall(insns, i)) called.add(i + imm(insns, i) + 1);
    }
    const view = new DataView(funcInfo.buffer, funcInfo.byteOffset, funcInfo.byteLength);
    const starts = new Set([0]);
    for (let at = 0; at < funcInfo.length; at += FUNC_INFO) {
      const start = view.getUint32(at, true);
      if (!called.has(start)) starts.add(start);
    }
    return [...starts];
  }
}

/** A value that a verifier knows no better. */
function isOpen(value: Value): boolean {
  return value === 'other' || typeof value === 'bigint';
}
