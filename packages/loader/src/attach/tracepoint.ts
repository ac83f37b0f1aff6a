import { perfEventOpen } from '../kernel';
import { ProgramType } from '../object';
import { tracepointCauses } from './causes';
import { linkEvent } from './event-link';
import { attached } from './failure';
import { type Link } from './link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { targetOf } from './target';
import { parseTracepoint, tracepointId, type TracepointName } from './tracepoint-id';

/** `enum perf_type_id` of include/uapi/linux/perf_event.h. */
const PERF_TYPE_TRACEPOINT = 2;

export interface TracepointOptions {
  /** Such as `sched`, and `sched_process_exec`; by default what the program's section says. */
  readonly category?: string | undefined;
  readonly name?: string | undefined;
  /** What bpf_get_attach_cookie() returns to the program. */
  readonly cookie?: bigint | undefined;
}

/**
 * Attach a program to a tracepoint of the kernel, for every process on every CPU (a perf event link, Linux 5.15).
 * tracefs must be mounted, since only it tells the tracepoint's number.
 *
 * @throws BpfError TRACEPOINT_NOT_FOUND, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachTracepoint(program, { category: 'sched', name: 'sched_process_exec' });
 * ```
 */
export function attachTracepoint(program: AttachableProgram, options: TracepointOptions = {}): Link {
  requireType(program, 'tracepoint', [ProgramType.tracepoint]);
  const tracepoint = tracepointOf(program, options);
  const where = `tracepoint ${tracepoint.category}/${tracepoint.name}`;
  const attempt = { program, where, needs: ['CAP_PERFMON'], causes: tracepointCauses } as const;
  // One CPU is enough: programs of a tracepoint run wherever it is hit, whichever CPU the event counts.
  const event = attached(
    perfEventOpen({ type: PERF_TYPE_TRACEPOINT, config: tracepointId(tracepoint) }, -1, 0),
    attempt,
  );
  return linkEvent(event, options.cookie, attempt);
}

/** Each half as given, else from the section name: `tracepoint/sched/sched_process_exec`. */
function tracepointOf(program: AttachableProgram, { category, name }: TracepointOptions): TracepointName {
  if (category !== undefined && name !== undefined) return { category, name };
  const target = parseTracepoint(targetOf(program, 'tracepoint', undefined));
  return { category: category ?? target.category, name: name ?? target.name };
}
