import { BpfError, nearest } from '../errors';
import { closeFd, linkCreate, openPath } from '../kernel';
import { cgroupCauses } from './causes';
import { cgroupPath } from './cgroup-path';
import { cgroupTypes, type CgroupType } from './cgroup-types';
import { attached, mprogConflicts } from './failure';
import { Link } from './link';
import { mprogFields, queryAttachPoint, type AttachPoint, type MprogPlace } from './mprog';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

/** A place beside other programs takes Linux 6.17; without one, the program runs behind those that are there. */
export interface CgroupOptions extends MprogPlace {
  /** From the root of the cgroup v2 hierarchy (`agent/workers`), or the absolute path of a cgroup's directory. */
  readonly path: string;
  /**
   * Where in the cgroup: `cgroup_inet_egress`, `cgroup_inet4_connect`, ... (`cgroupTypes` has them all); by default
   * what the program's section says (`cgroup_skb/egress`).
   */
  readonly type?: string | undefined;
}

/**
 * Attach a program to a cgroup and all below it (Linux 5.7). Several programs can be at one attach point: all run, and
 * each of them can refuse.
 *
 * @throws BpfError CGROUP_NOT_FOUND, ATTACH_CONFLICT when the revision is another one, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachCgroup(program, { path: 'agent', type: 'cgroup_inet_egress' });
 * ```
 */
export function attachCgroup(program: AttachableProgram, options: CgroupOptions): Link {
  const type = cgroupType(program, options.type);
  requireType(program, `cgroup ${type.label}`, [type.programType]);
  const directory = cgroupPath(options.path);
  const { flags, part } = mprogFields(program, options);
  const target = openPath(directory);
  try {
    const where = `cgroup ${type.label} on ${options.path}`;
    const result = linkCreate(
      { prog_fd: program.fd, target, attach_type: type.attachType, flags },
      'mprog',
      part,
    );
    const attempt = {
      program,
      where,
      needs: ['CAP_NET_ADMIN'],
      causes: cgroupCauses,
      conflicts: mprogConflicts,
    } as const;
    return new Link(attached(result, attempt), where);
  } finally {
    closeFd(target);
  }
}

function cgroupType(program: AttachableProgram, given: string | undefined): CgroupType {
  const names = cgroupTypes.map((type) => type.name);
  const type =
    given === undefined
      ? cgroupTypes.find((row) => row.attachType === program.attachType && row.programType === program.type)
      : cgroupTypes.find((row) => row.name === given);
  if (type !== undefined) return type;
  const near = given === undefined ? [] : nearest(given, names);
  throw new BpfError(
    'ATTACH_FAILED',
    `program '${program.name}': attach to a cgroup: ${given === undefined ? 'no attach point is given' : `no attach point '${given}'`}`,
    {
      program: program.name,
      expected: near.length > 0 ? near.join(' or ') : names.join(', '),
      hint: "name it as the option type, or in the program's section: cgroup_skb/egress, cgroup/connect4",
    },
  );
}

/**
 * The programs at one attach point of a cgroup, in the order in which they run.
 *
 * @param attachType `enum bpf_attach_type`
 * @param which `own`, the default: those attached to the cgroup itself. `effective`: all that run for its processes,
 *   those of the cgroups above it too; the kernel counts no revision of these
 * @returns undefined where the kernel does not know this attach point
 * @throws BpfError CGROUP_NOT_FOUND
 *
 * @example
 * ```ts
 * cgroupPrograms('agent', AttachType.cgroup_inet_egress)?.programIds;
 * cgroupPrograms('agent/workers', AttachType.cgroup_inet_egress, 'effective')?.programIds;
 * ```
 */
export function cgroupPrograms(
  path: string,
  attachType: number,
  which: 'own' | 'effective' = 'own',
): AttachPoint | undefined {
  const cgroup = openPath(cgroupPath(path));
  try {
    return queryAttachPoint(cgroup, attachType, which === 'effective' ? effectiveFlag : 0);
  } finally {
    closeFd(cgroup);
  }
}

/** BPF_F_QUERY_EFFECTIVE of include/uapi/linux/bpf.h. */
const effectiveFlag = 1;
