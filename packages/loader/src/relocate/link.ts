import { slotCount } from '../asm';
import { BpfError } from '../errors';
import { type FunctionSpec, type ObjectSpec } from '../object';

/** A program's functions in their places. */
export interface Layout {
  /** Where each function starts, in slots, by its index. The main function is first, at 0. */
  readonly starts: ReadonlyMap<number, number>;
  /** Slots of all of them. */
  readonly size: number;
}

/** `BPF_COMPLEXITY_LIMIT_INSNS` of include/linux/bpf.h: the most instructions of a privileged program since 5.2. */
const MOST_INSTRUCTIONS = 1_000_000;

/**
 * Lays out a program: its main function, then each function that it reaches, once, when it is first met: calls are
 * followed into the called function before the next instruction is looked at. The order is libbpf's, so that the
 * kernel computes the same tag. An exception callback that nothing else reaches comes last.
 *
 * @param main index of the main function
 * @param callback index of its exception callback, undefined if it has none
 * @throws BpfError PROGRAM_INVALID when the whole is bigger than any kernel takes
 */
export function layoutProgram(spec: ObjectSpec, main: number, callback?: number): Layout {
  const starts = new Map<number, number>();
  let end = 0;
  const place = (index: number): Iterator<number> => {
    starts.set(index, end);
    end += slotCount(spec.functions[index]!.instructions);
    if (end > MOST_INSTRUCTIONS) throw tooBig(spec, main, end);
    return callees(spec.functions[index]!)[Symbol.iterator]();
  };
  const follow = (index: number): void => {
    const open = [place(index)];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const { done, value } = top.next();
      if (done) open.pop();
      else if (!starts.has(value)) open.push(place(value));
    }
  };
  follow(main);
  if (callback !== undefined && !starts.has(callback)) follow(callback);
  return { starts, size: end };
}

/** Functions that a function calls or takes the address of, in the order of its instructions. */
function callees(fn: FunctionSpec): number[] {
  return fn.references
    .flatMap((reference) => (reference.kind === 'call' || reference.kind === 'function' ? [reference] : []))
    .sort((a, b) => a.insn - b.insn)
    .map((reference) => reference.function);
}

function tooBig(spec: ObjectSpec, main: number, size: number): BpfError {
  const { name, section } = spec.functions[main]!;
  return new BpfError('PROGRAM_INVALID', `${spec.name}: program '${name}' and the functions it calls`, {
    object: spec.name,
    section,
    program: name,
    found: `${size} instructions or more`,
    expected: `${MOST_INSTRUCTIONS} at most`,
    hint: 'split it with tail calls',
  });
}
