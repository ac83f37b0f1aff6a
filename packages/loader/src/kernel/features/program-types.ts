import { AttachType, ProgramType } from '../../object';
import { programLoad, type ProgramLoadAttributes } from '../programs';
import { Errno } from '../errno';
import { verdictOf } from './feature';

const SLEEPABLE = 1 << 4;

/** What a type asks for besides instructions. */
const attributes: Readonly<Record<number, ProgramLoadAttributes>> = {
  [ProgramType.cgroup_sock_addr]: { expected_attach_type: AttachType.cgroup_inet4_bind },
  [ProgramType.cgroup_sockopt]: { expected_attach_type: AttachType.cgroup_getsockopt },
  [ProgramType.sk_lookup]: { expected_attach_type: AttachType.sk_lookup },
  [ProgramType.netfilter]: { expected_attach_type: AttachType.netfilter },
  [ProgramType.syscall]: { prog_flags: SLEEPABLE },
  [ProgramType.tracing]: { expected_attach_type: AttachType.trace_raw_tp, attach_btf_id: 1 },
  [ProgramType.lsm]: { expected_attach_type: AttachType.lsm_mac, attach_btf_id: 1 },
  [ProgramType.ext]: { attach_btf_id: 1 },
  [ProgramType.struct_ops]: { attach_btf_id: 1 },
};

/** Types that are attached by BTF: a kernel that has them says what is wrong with type 1 of its own. */
const byTarget: readonly number[] = [
  ProgramType.tracing,
  ProgramType.lsm,
  ProgramType.ext,
  ProgramType.struct_ops,
];

/** `r0 = 1; exit`: 1 is in the range of every type. */
const instructions = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/**
 * Whether the running kernel loads programs of a type: one that only returns is tried. That its hook is there too is
 * another question.
 *
 * @returns undefined when the answer says nothing, for want of a capability or of memory
 *
 * @example
 * ```ts
 * hasProgramType(ProgramType.xdp); // true
 * ```
 */
export function hasProgramType(type: number): boolean | undefined {
  const log = Buffer.alloc(4096);
  const { result } = programLoad({
    prog_type: type,
    insns: instructions,
    insn_cnt: instructions.length / 8,
    license: 'GPL',
    log_level: 1,
    log_size: log.length,
    log_buf: log,
    ...attributes[type],
  });
  const knowsTarget = result < 0 && result !== -Errno.EPERM && (log[0] !== 0 || result === -Errno.ENOTSUPP);
  if (byTarget.includes(type) && knowsTarget) return true;
  return verdictOf(result);
}
