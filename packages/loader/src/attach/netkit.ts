import { BpfError } from '../errors';
import { AttachType, ProgramType } from '../object';
import { netkitCauses } from './causes';
import { type InterfaceTarget } from './interfaces';
import { type Link } from './link';
import { type MprogPlace } from './mprog';
import { linkInOrder } from './ordered-link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

const attachTypes = { primary: AttachType.netkit_primary, peer: AttachType.netkit_peer } as const;

type End = keyof typeof attachTypes;

/** The interface is the primary one of the pair: only that can be attached to, for both ends. */
export interface NetkitOptions extends InterfaceTarget, MprogPlace {
  /** The end whose packets are seen as they leave it; by default what the program's section says (`netkit/peer`). */
  readonly end?: End | undefined;
}

/**
 * Attach a traffic control program to an end of a netkit pair (Linux 6.7). Several programs can be at one end; they
 * run in order until one of them decides.
 *
 * @throws BpfError INTERFACE_NOT_FOUND, ATTACH_CONFLICT when the revision is another one, PRIVILEGE_MISSING,
 *   ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachNetkit(program, { interface: 'nk0', end: 'peer' });
 * ```
 */
export function attachNetkit(program: AttachableProgram, options: NetkitOptions): Link {
  requireType(program, 'netkit', [ProgramType.sched_cls]);
  const end = options.end ?? endOf(program);
  const point = { name: `netkit ${end}`, attachType: attachTypes[end], causes: netkitCauses };
  return linkInOrder(program, point, options);
}

function endOf(program: AttachableProgram): End {
  if (program.attachType === attachTypes.primary) return 'primary';
  if (program.attachType === attachTypes.peer) return 'peer';
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to netkit: no end is given`, {
    program: program.name,
    hint: "give end 'primary' or 'peer', or name the program's section netkit/primary or netkit/peer",
  });
}
