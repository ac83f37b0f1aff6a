import { closeFd, Errno, linkCreate } from '../kernel';
import { netnsCauses } from './causes';
import { attached } from './failure';
import { Link } from './link';
import { openNetns } from './netns';
import { type AttachableProgram } from './program';

/** A network namespace to attach to. */
export interface NetnsTarget {
  /** A name below /run/netns, or a path; the current one by default. */
  readonly netns?: string | undefined;
}

/** A namespace takes one flow dissector and 64 socket lookups (netns_bpf_max_progs() in kernel/bpf/net_namespace.c). */
const conflicts = [Errno.E2BIG, Errno.EEXIST];

/** A link of a program that runs for a whole network namespace. */
export function attachToNetns(
  program: AttachableProgram,
  hook: string,
  attachType: number,
  target: NetnsTarget,
): Link {
  const where = `${hook} on ${netnsText(target)}`;
  const netns = openNetns(target.netns);
  try {
    const result = linkCreate({ prog_fd: program.fd, target: netns, attach_type: attachType });
    const attempt = { program, where, needs: ['CAP_NET_ADMIN'], causes: netnsCauses, conflicts } as const;
    return new Link(attached(result, attempt), where);
  } finally {
    closeFd(netns);
  }
}

/** `netns edge`, or `this network namespace`. */
export function netnsText({ netns }: NetnsTarget): string {
  return netns === undefined ? 'this network namespace' : `netns ${netns}`;
}
