import { BpfError } from '../errors';
import { linkCreate } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { netkitCauses } from './causes';
import { attached, mprogConflicts } from './failure';
import { interfaceText, onInterface, type InterfaceTarget } from './interfaces';
import { Link } from './link';
import { mprogFields, type MprogPlace } from './mprog';
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
  const { flags, part } = mprogFields(program, options);
  return onInterface(options, (device) => {
    const where = `netkit ${end} on ${interfaceText(options)}`;
    const result = linkCreate(
      { prog_fd: program.fd, target: device.index, attach_type: attachTypes[end], flags },
      'mprog',
      part,
    );
    const attempt = {
      program,
      where,
      needs: ['CAP_NET_ADMIN'],
      causes: netkitCauses,
      conflicts: mprogConflicts,
    } as const;
    return new Link(attached(result, attempt), where);
  });
}

function endOf(program: AttachableProgram): End {
  if (program.attachType === attachTypes.primary) return 'primary';
  if (program.attachType === attachTypes.peer) return 'peer';
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to netkit: no end is given`, {
    program: program.name,
    hint: "give end 'primary' or 'peer', or name the program's section netkit/primary or netkit/peer",
  });
}
