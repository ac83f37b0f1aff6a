import { linkCreate } from '../kernel';
import { type Causes } from './causes';
import { attached, mprogConflicts } from './failure';
import { interfaceText, onInterface, type InterfaceTarget } from './interfaces';
import { Link } from './link';
import { mprogFields, type MprogPlace } from './mprog';
import { type AttachableProgram } from './program';

/** A place of interfaces where several programs run in an order: a side of tcx, an end of netkit. */
export interface OrderedPoint {
  /** For messages: `tcx ingress`. */
  readonly name: string;
  readonly attachType: number;
  readonly causes: Causes;
}

/**
 * A link at such a place of an interface.
 *
 * @throws BpfError INTERFACE_NOT_FOUND, ATTACH_CONFLICT when the revision is another one, PRIVILEGE_MISSING,
 *   ATTACH_FAILED
 */
export function linkInOrder(
  program: AttachableProgram,
  { name, attachType, causes }: OrderedPoint,
  options: InterfaceTarget & MprogPlace,
): Link {
  const { flags, part } = mprogFields(program, options);
  return onInterface(options, ({ index }) => {
    const where = `${name} on ${interfaceText(options)}`;
    const common = { prog_fd: program.fd, target: index, attach_type: attachType, flags };
    const result = linkCreate(common, 'mprog', part);
    const attempt = {
      ...{ program, where, causes },
      needs: ['CAP_NET_ADMIN'],
      conflicts: mprogConflicts,
    } as const;
    return new Link(attached(result, attempt), where);
  });
}
