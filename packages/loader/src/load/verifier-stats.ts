/** What the verifier says of its work on a program. */
export interface VerifierStats {
  /** Instructions that it walked. */
  readonly insns: number | undefined;
  /** Most states that it held at once, and all that it kept. */
  readonly peakStates: number | undefined;
  readonly totalStates: number | undefined;
  /** Bytes of stack, of the main function and each subprogram. */
  readonly stackDepths: readonly number[];
  /** Microseconds. */
  readonly time: number | undefined;
}

/**
 * Reads the statistics out of a verifier's log (`log_level` 4 of BPF_PROG_LOAD, `BPF_LOG_STATS`): the lines that
 * `print_verification_stats` of kernel/bpf/verifier.c writes.
 *
 * @example
 * ```ts
 * readVerifierStats(['stack depth 8+16', 'processed 57 insns (limit 1000000) total_states 4 peak_states 3']);
 * // { insns: 57, peakStates: 3, totalStates: 4, stackDepths: [8, 16], time: undefined }
 * ```
 */
export function readVerifierStats(log: readonly string[]): VerifierStats {
  const number = (pattern: RegExp): number | undefined => {
    const found = log.map((line) => pattern.exec(line)?.[1]).findLast((each) => each !== undefined);
    return found === undefined ? undefined : Number(found);
  };
  const depths = log.map((line) => /^stack depth (\d+(?:\+\d+)*)/.exec(line)?.[1]).findLast(Boolean);
  return {
    insns: number(/^processed (\d+) insns/),
    peakStates: number(/\bpeak_states (\d+)/),
    totalStates: number(/\btotal_states (\d+)/),
    stackDepths: depths?.split('+').map(Number) ?? [],
    time: number(/^verification time (\d+) usec/),
  };
}
