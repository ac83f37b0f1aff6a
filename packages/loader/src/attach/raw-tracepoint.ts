import { Errno, rawTracepointOpen } from '../kernel';
import { ProgramType } from '../object';
import { rawTracepointCauses } from './causes';
import { attached } from './failure';
import { Link } from './link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { targetOf } from './target';
import { allTracepoints, notFound } from './tracepoint-id';

const programTypes = [ProgramType.raw_tracepoint, ProgramType.raw_tracepoint_writable];

export interface RawTracepointOptions {
  /** Name without a category; by default what the program's section says (`raw_tp/sched_process_exec`). */
  readonly name?: string | undefined;
  /** What bpf_get_attach_cookie() returns to the program (Linux 6.10). */
  readonly cookie?: bigint | undefined;
}

/**
 * Attach a program to a raw tracepoint: the tracepoint's arguments as the kernel passes them (Linux 4.17).
 *
 * @throws BpfError TRACEPOINT_NOT_FOUND, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachRawTracepoint(program, { name: 'sched_process_exec' });
 * ```
 */
export function attachRawTracepoint(program: AttachableProgram, options: RawTracepointOptions = {}): Link {
  requireType(program, 'raw_tracepoint', programTypes);
  const name = targetOf(program, 'raw_tracepoint', options.name);
  const where = `raw_tracepoint ${name}`;
  const result = rawTracepointOpen(program.fd, name, options.cookie);
  // Without a category, the names in tracefs are the same but for a few classes with several events.
  if (result === -Errno.ENOENT) throw notFound(name, allTracepoints().map(withoutCategory));
  return new Link(
    attached(result, { program, where, needs: ['CAP_PERFMON'], causes: rawTracepointCauses }),
    where,
  );
}

function withoutCategory(tracepoint: string): string {
  return tracepoint.slice(tracepoint.indexOf('/') + 1);
}
