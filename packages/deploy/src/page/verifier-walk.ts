/** What a verifier's log says of one instruction. */
export interface Walked {
  /** How often the verifier came there. */
  readonly visits: number;
  /** What it knew after the first time, as it writes it: `R0=scalar() R1=ctx()`; '' where it says nothing. */
  readonly state: string;
  /** Why it refuses the program, where it does so at this instruction. */
  readonly said: readonly string[];
}

/** Lines about the verifier's own work, which may follow the last instruction that it looked at. */
const own =
  /^(?:mark_precise|propagating|processed |verification time|stack depth|frame ?\d+: |from \d+|last_idx|regs=|parent |safe|\s*$|;)/;

/**
 * Folds a verifier's log (`log_level` 1 or 2 of BPF_PROG_LOAD, `print_insn_state` and `verbose_linfo` of
 * kernel/bpf/verifier.c) onto the instructions of the program: a path of ten thousand steps is as long as its program.
 *
 * @param refused the log is of a program that was refused: what follows its last instruction says why
 * @returns by instruction (in slots)
 *
 * @example
 * ```ts
 * const walk = verifierWalk(['0: (b7) r0 = 2  ; R0_w=2', '1: (95) exit', '0: (b7) r0 = 2'], false);
 * walk.get(0)?.visits; // 2
 * walk.get(0)?.state; // 'R0_w=2'
 * ```
 */
export function verifierWalk(log: readonly string[], refused: boolean): ReadonlyMap<number, Walked> {
  const walked = new Map<number, { visits: number; state: string; said: string[] }>();
  let last: { visits: number; state: string; said: string[] } | undefined;
  let after: string[] = [];
  for (const line of log) {
    const step = /^(\d+): \([0-9a-f]{2}\) [^;]*(?:; ?(.*))?$/.exec(line);
    if (step === null) {
      after.push(line);
      continue;
    }
    const insn = Number(step[1]);
    last = walked.get(insn) ?? { visits: 0, state: '', said: [] };
    last.visits++;
    if (last.state === '') last.state = step[2]?.trim() ?? '';
    walked.set(insn, last);
    after = [];
  }
  if (refused) last?.said.push(...after.filter((line) => !own.test(line)));
  return walked;
}
