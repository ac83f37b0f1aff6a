import { BpfError } from '../errors';
import { perfEventOpen } from '../kernel';
import { ProgramType } from '../object';
import { perfEventCauses } from './causes';
import { linkEvent } from './event-link';
import { attached } from './failure';
import { type Link } from './link';
import { perfEvents, type PerfEventName } from './perf-events';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

/** The bit `freq` among the flags of `struct perf_event_attr`: the period is a frequency. */
const frequencyFlag = 1n << 10n;

export interface PerfEventOptions {
  /** What is counted: `cpu-clock`, `page-faults`, `cpu-cycles`, ...; see `perfEvents`. */
  readonly event: PerfEventName;
  /** The program runs at every so manieth event; every one by default. Clocks count nanoseconds. */
  readonly period?: number | bigint | undefined;
  /** The program runs so often a second, as near as the kernel can; instead of a period. */
  readonly frequency?: number | undefined;
  /** Only while this process (its first thread) runs; every process by default. */
  readonly pid?: number | undefined;
  /** Only on this CPU; with a pid every CPU by default, without one CPU 0. An event counts on one CPU or in one process. */
  readonly cpu?: number | undefined;
}

/**
 * Attach a program to samples of an event that the kernel or the processor counts (a perf event link, Linux 5.15).
 * A link is for one CPU, or for one process: to watch the machine, attach on each CPU.
 *
 * @throws BpfError PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachPerfEvent(program, { event: 'cpu-clock', frequency: 99, cpu: 0 });
 * ```
 */
export function attachPerfEvent(program: AttachableProgram, options: PerfEventOptions): Link {
  requireType(program, 'perf_event', [ProgramType.perf_event]);
  const { event, period = 1, frequency, pid = -1, cpu = pid === -1 ? 0 : -1 } = options;
  if (frequency !== undefined && options.period !== undefined) {
    throw new BpfError(
      'ATTACH_FAILED',
      `program '${program.name}': attach to perf_event: two rates are given`,
      {
        program: program.name,
        expected: 'a period or a frequency',
      },
    );
  }
  const where = `perf_event ${event}${pid === -1 ? '' : ` of process ${pid}`}${cpu === -1 ? '' : ` on CPU ${cpu}`}`;
  const attempt = { program, where, needs: ['CAP_PERFMON'], causes: perfEventCauses } as const;
  const { type, config } = perfEvents[event];
  const opened = perfEventOpen(
    {
      type,
      config,
      sample_period: frequency ?? period,
      flags: frequency === undefined ? 0 : frequencyFlag,
    },
    pid,
    cpu,
  );
  const fd = attached(opened, attempt);
  return linkEvent(fd, undefined, attempt);
}
