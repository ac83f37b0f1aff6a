import { BpfError } from '../errors';
import { AttachType, ProgramType } from '../object';
import { tcxCauses } from './causes';
import { onInterface, type InterfaceTarget } from './interfaces';
import { type Link } from './link';
import { queryAttachPoint, type AttachPoint, type MprogPlace } from './mprog';
import { linkInOrder } from './ordered-link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

const attachTypes = { ingress: AttachType.tcx_ingress, egress: AttachType.tcx_egress } as const;

type Direction = keyof typeof attachTypes;

export interface TcxOptions extends InterfaceTarget, MprogPlace {
  /** Packets coming in or going out; by default what the program's section says (`tcx/ingress`). */
  readonly direction?: Direction | undefined;
}

/**
 * Attach a traffic control program to a network interface (tcx, Linux 6.6). Several programs can be on one side of an
 * interface; they run in order until one of them decides.
 *
 * @throws BpfError INTERFACE_NOT_FOUND, ATTACH_CONFLICT when the revision is another one, PRIVILEGE_MISSING,
 *   ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachTcx(program, { interface: 'eth0', direction: 'egress' });
 * ```
 */
export function attachTcx(program: AttachableProgram, options: TcxOptions): Link {
  requireType(program, 'tcx', [ProgramType.sched_cls]);
  const direction = options.direction ?? directionOf(program);
  const point = { name: `tcx ${direction}`, attachType: attachTypes[direction], causes: tcxCauses };
  return linkInOrder(program, point, options);
}

/**
 * The programs on one side of an interface, in the order in which they run.
 *
 * @throws BpfError INTERFACE_NOT_FOUND
 *
 * @example
 * ```ts
 * const { revision } = tcxPrograms({ interface: 'eth0' }, 'ingress') ?? {};
 * attachTcx(program, { interface: 'eth0', direction: 'ingress', revision }); // unless somebody was faster
 * ```
 */
export function tcxPrograms(target: InterfaceTarget, direction: Direction): AttachPoint | undefined {
  return onInterface(target, ({ index }) => queryAttachPoint(index, attachTypes[direction]));
}

function directionOf(program: AttachableProgram): Direction {
  if (program.attachType === attachTypes.ingress) return 'ingress';
  if (program.attachType === attachTypes.egress) return 'egress';
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to tcx: no direction is given`, {
    program: program.name,
    hint: "give direction 'ingress' or 'egress', or name the program's section tcx/ingress or tcx/egress",
  });
}
