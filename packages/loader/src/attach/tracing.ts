import { linkCreate, rawTracepointOpen } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { trampolineCauses } from './causes';
import { attached } from './failure';
import { Link } from './link';
import { type AttachableProgram } from './program';
import { requireAttachType, requireType } from './require-type';
import { requireTarget } from './target';

export interface LsmOptions {
  /** The function or LSM hook; it must be the one the program was loaded for. */
  readonly name?: string | undefined;
}

export interface TracingOptions extends LsmOptions {
  /** What bpf_get_attach_cookie() returns to the program (Linux 5.19). */
  readonly cookie?: bigint | undefined;
}

/**
 * Attach a program to the entry of the kernel function that it was loaded for: `SEC("fentry/vfs_read")` (Linux 5.5).
 * The target is part of the program, as its BTF id, so it cannot be changed here.
 *
 * @throws BpfError PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachFentry(program, { cookie: 7n });
 * ```
 */
export function attachFentry(program: AttachableProgram, options: TracingOptions = {}): Link {
  return attachByBtf(program, 'fentry', ProgramType.tracing, AttachType.trace_fentry, options);
}

/**
 * As {@link attachFentry}, where the function returns: `SEC("fexit/vfs_read")`. It sees what is returned.
 *
 * @example
 * ```ts
 * const link = attachFexit(program);
 * ```
 */
export function attachFexit(program: AttachableProgram, options: TracingOptions = {}): Link {
  return attachByBtf(program, 'fexit', ProgramType.tracing, AttachType.trace_fexit, options);
}

/**
 * As {@link attachFentry}, where the program can make the function fail instead of running (Linux 5.7):
 * `SEC("fmod_ret/security_file_open")`. For functions that allow it, which are those of security modules and of error
 * injection.
 *
 * @example
 * ```ts
 * const link = attachFmodRet(program);
 * ```
 */
export function attachFmodRet(program: AttachableProgram, options: TracingOptions = {}): Link {
  return attachByBtf(program, 'fmod_ret', ProgramType.tracing, AttachType.modify_return, options);
}

/**
 * Attach a program to the LSM hook that it was loaded for: `SEC("lsm/file_open")` (Linux 5.7). It decides for every
 * process; those of one cgroup are {@link attachCgroup}'s. `bpf` must be in /sys/kernel/security/lsm, else the
 * program is attached and does not run.
 *
 * @example
 * ```ts
 * const link = attachLsm(program);
 * ```
 */
export function attachLsm(program: AttachableProgram, options: LsmOptions = {}): Link {
  return attachByBtf(program, 'lsm', ProgramType.lsm, AttachType.lsm_mac, options);
}

function attachByBtf(
  program: AttachableProgram,
  hook: string,
  programType: number,
  attachType: number,
  { name: asked, cookie }: TracingOptions,
): Link {
  requireType(program, hook, [programType]);
  requireAttachType(program, hook, attachType);
  const name = requireTarget(program, hook, asked);
  const where = name === undefined ? hook : `${hook} ${name}`;
  // BPF_RAW_TRACEPOINT_OPEN takes no cookie for these; BPF_LINK_CREATE takes them since 2fcc82411e74 (Linux 5.19).
  const result =
    cookie === undefined
      ? rawTracepointOpen(program.fd)
      : linkCreate({ prog_fd: program.fd, attach_type: attachType }, 'tracing', { cookie });
  return new Link(
    attached(result, { program, where, needs: ['CAP_PERFMON'], causes: trampolineCauses }),
    where,
  );
}
