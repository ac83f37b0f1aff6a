import { rawTracepointOpen } from '../kernel';
import { ProgramType } from '../object';
import { tpBtfCauses } from './causes';
import { attached } from './failure';
import { Link } from './link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { requireTarget } from './target';

export interface TpBtfOptions {
  /** The tracepoint; it must be the one the program was loaded for. */
  readonly name?: string | undefined;
  /** What bpf_get_attach_cookie() returns to the program (Linux 6.10). */
  readonly cookie?: bigint | undefined;
}

/**
 * Attach a program to the tracepoint that it was loaded for: `SEC("tp_btf/sched_process_exec")` (Linux 5.5). The
 * target is part of the program, as its BTF id, so it cannot be changed here.
 *
 * @throws BpfError PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachTpBtf(program);
 * ```
 */
export function attachTpBtf(program: AttachableProgram, options: TpBtfOptions = {}): Link {
  requireType(program, 'tp_btf', [ProgramType.tracing]);
  const name = requireTarget(program, 'tp_btf', options.name);
  const where = name === undefined ? 'tp_btf' : `tp_btf ${name}`;
  const result = rawTracepointOpen(program.fd, undefined, options.cookie);
  return new Link(attached(result, { program, where, needs: ['CAP_PERFMON'], causes: tpBtfCauses }), where);
}
