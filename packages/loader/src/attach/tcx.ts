import { BpfError } from '../errors';
import { linkCreate } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { tcxCauses } from './causes';
import { attached } from './failure';
import { interfaceText, onInterface, type InterfaceTarget } from './interfaces';
import { Link } from './link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

const attachTypes = { ingress: AttachType.tcx_ingress, egress: AttachType.tcx_egress } as const;

/** BPF_F_BEFORE and BPF_F_AFTER without an anchor: before all, after all. */
const orderFlags = { first: 1 << 3, last: 1 << 4 } as const;

type Direction = keyof typeof attachTypes;

export interface TcxOptions extends InterfaceTarget {
  /** Packets coming in or going out; by default what the program's section says (`tcx/ingress`). */
  readonly direction?: Direction | undefined;
  /** Before or behind the programs that are there now; `last` by default. */
  readonly order?: keyof typeof orderFlags | undefined;
}

/**
 * Attach a traffic control program to a network interface (tcx, Linux 6.6). Several programs can be on one side of an
 * interface; they run in order until one of them decides.
 *
 * @throws BpfError INTERFACE_NOT_FOUND, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachTcx(program, { interface: 'eth0', direction: 'egress' });
 * ```
 */
export function attachTcx(program: AttachableProgram, options: TcxOptions): Link {
  requireType(program, 'tcx', [ProgramType.sched_cls]);
  const direction = options.direction ?? directionOf(program);
  const { order = 'last' } = options;
  return onInterface(options, (device) => {
    const result = linkCreate(
      {
        prog_fd: program.fd,
        target: device.index,
        attach_type: attachTypes[direction],
        flags: orderFlags[order],
      },
      'mprog',
      {},
    );
    const where = `tcx ${direction} on ${interfaceText(options)}`;
    return new Link(attached(result, { program, where, needs: ['CAP_NET_ADMIN'], causes: tcxCauses }), where);
  });
}

function directionOf(program: AttachableProgram): Direction {
  if (program.attachType === attachTypes.ingress) return 'ingress';
  if (program.attachType === attachTypes.egress) return 'egress';
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to tcx: no direction is given`, {
    program: program.name,
    hint: "give direction 'ingress' or 'egress', or name the program's section tcx/ingress or tcx/egress",
  });
}
