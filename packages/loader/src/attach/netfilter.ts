import { Errno, linkCreate } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { netfilterCauses } from './causes';
import { attached } from './failure';
import { Link } from './link';
import {
  netfilterFamilies,
  netfilterHooks,
  netfilterText,
  type NetfilterFamily,
  type NetfilterHook,
} from './netfilter-types';
import { inNetns } from './netns';
import { type NetnsTarget } from './netns-link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

/** BPF_F_NETFILTER_IP_DEFRAG of include/uapi/linux/bpf.h. */
const defragFlag = 1;

export interface NetfilterOptions extends NetnsTarget {
  readonly family: NetfilterFamily;
  /** Where on a packet's way through the stack. */
  readonly hook: NetfilterHook;
  /**
   * Lower ones run earlier; 0, that of filter tables, by default. No two BPF programs of a hook have the same, and the
   * least and the greatest 32-bit numbers are the kernel's own.
   */
  readonly priority?: number | undefined;
  /** Put fragments together first; the priority must then be above -400. */
  readonly defrag?: boolean | undefined;
}

/**
 * Attach a program to a hook of netfilter, beside the tables of iptables and nftables (Linux 6.4).
 *
 * @throws BpfError INTERFACE_NOT_FOUND when there is no such namespace, ATTACH_CONFLICT when a BPF program has the
 *   priority already, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachNetfilter(program, { family: 'ipv4', hook: 'local_in', priority: -100 });
 * ```
 */
export function attachNetfilter(program: AttachableProgram, options: NetfilterOptions): Link {
  requireType(program, 'netfilter', [ProgramType.netfilter]);
  const { netns, priority = 0, defrag = false } = options;
  const place = {
    pf: netfilterFamilies[options.family],
    hooknum: netfilterHooks[options.hook],
    priority,
  };
  const where = `netfilter ${netfilterText(place)}${netns === undefined ? '' : ` in netns ${netns}`}`;
  return inNetns(netns, () => {
    const result = linkCreate(
      { prog_fd: program.fd, target: 0, attach_type: AttachType.netfilter },
      'netfilter',
      {
        ...place,
        flags: defrag ? defragFlag : 0,
      },
    );
    const attempt = {
      program,
      where,
      needs: ['CAP_NET_ADMIN'],
      causes: netfilterCauses,
      conflicts: [Errno.EBUSY],
    } as const;
    return new Link(attached(result, attempt), where);
  });
}
