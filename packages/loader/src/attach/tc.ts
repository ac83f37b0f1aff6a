import { BpfError } from '../errors';
import { filterParents, putFilter } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { ensureClsact, removeIfEmpty } from './clsact';
import { interfaceText, onInterface, type InterfaceTarget } from './interfaces';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { TcFilter, type TcDirection } from './tc-filter';
import { tcRefused } from './tc-refused';

export interface TcOptions extends InterfaceTarget {
  /** Packets coming in or going out; by default what the program's section says (`tc/ingress`). */
  readonly direction?: TcDirection | undefined;
  /** 1 to 65535, lower ones run earlier; by default the kernel chooses one below all that are there. */
  readonly priority?: number | undefined;
  /** Number among the filters of a priority; by default the kernel chooses. */
  readonly handle?: number | undefined;
  /** What the program returns is what becomes of the packet (TC_ACT_*), not its class; true by default. */
  readonly directAction?: boolean | undefined;
}

/**
 * Attach a traffic control program to a network interface as a filter of its clsact, as `tc filter add` does: for
 * kernels before 6.6, which have no tcx, and beside other filters. The clsact is made if there is none. On kernels with
 * tcx, its programs run before these filters.
 *
 * It is no link: the filter stays when this process ends, unless it is closed or detached before.
 *
 * @throws BpfError INTERFACE_NOT_FOUND, ATTACH_CONFLICT when there is such a filter, or an `ingress` in the place of the
 *   clsact, which has no egress; PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const filter = attachTc(program, { interface: 'eth0', direction: 'ingress', priority: 10 });
 * filter.update(newProgram, program);
 * filter.close(); // the filter goes; release() would leave it beyond this process
 * ```
 */
export function attachTc(program: AttachableProgram, options: TcOptions): TcFilter {
  requireType(program, 'tc', [ProgramType.sched_cls]);
  const direction = options.direction ?? tcDirection(program);
  const { priority = 0, handle = 0, directAction = true } = options;
  requireRange(program, { priority, handle });
  return onInterface(options, ({ index: ifindex }) => {
    const where = `tc ${direction} on ${interfaceText(options)}`;
    const madeQdisc = ensureClsact(program, where, ifindex, direction);
    const key = { ifindex, parent: filterParents[direction], priority, handle };
    const { error, text, made } = putFilter(
      key,
      { fd: program.fd, name: program.name, directAction },
      'create',
    );
    if (error < 0 || made === undefined) {
      if (madeQdisc) removeIfEmpty(ifindex);
      throw tcRefused(program, where, error, text);
    }
    return new TcFilter(made, options, direction, madeQdisc);
  });
}

/** Which way the packets of a program go by its section. @throws BpfError ATTACH_FAILED if that does not say */
export function tcDirection(program: AttachableProgram): TcDirection {
  if (program.attachType === AttachType.tcx_ingress) return 'ingress';
  if (program.attachType === AttachType.tcx_egress) return 'egress';
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to tc: no direction is given`, {
    program: program.name,
    hint: "give direction 'ingress' or 'egress', or name the program's section tc/ingress or tc/egress",
  });
}

function requireRange(program: AttachableProgram, numbers: { priority: number; handle: number }): void {
  const { priority, handle } = numbers;
  const inRange = (value: number, most: number): boolean =>
    Number.isInteger(value) && value >= 0 && value <= most;
  if (inRange(priority, 0xffff) && inRange(handle, 0xffffffff)) return;
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to tc`, {
    program: program.name,
    found: `priority ${priority}, handle ${handle}`,
    expected: 'a priority of 1 to 65535 and a handle of 1 to 4294967295, or none',
  });
}
