import { BpfError } from '../errors';
import {
  filterParents,
  listFilters,
  putFilter,
  removeFilter,
  type RouteAnswer,
  type TcFilterInfo,
  type TcFilterKey,
} from '../kernel';
import { ProgramType } from '../object';
import { tcCauses } from './causes';
import { removeIfEmpty } from './clsact';
import { interfaceText, onInterface, type InterfaceTarget } from './interfaces';
import { NetlinkAttachment } from './netlink-attachment';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { tcRefused } from './tc-refused';

export type TcDirection = keyof typeof filterParents;

/** Which filter: how `TcFilter.open` finds it again. */
export interface TcFilterPlace extends InterfaceTarget {
  readonly direction: TcDirection;
  readonly priority: number;
  readonly handle: number;
}

/**
 * A filter that runs a program. It is told by interface, direction, priority and handle; nothing in this process holds
 * it.
 *
 * @example
 * ```ts
 * attachTc(program, { interface: 'eth0', direction: 'egress', priority: 7, handle: 1 }).release();
 * const filter = TcFilter.open({ interface: 'eth0', direction: 'egress', priority: 7, handle: 1 });
 * filter.info().name; // 'tiny'
 * filter.detach();
 * ```
 */
export class TcFilter extends NetlinkAttachment {
  readonly hook = 'tc';

  constructor(
    private readonly key: TcFilterKey & Pick<TcFilterInfo, 'directAction'>,
    private readonly target: InterfaceTarget,
    readonly direction: TcDirection,
    private readonly madeQdisc = false,
  ) {
    super({ target, ifindex: key.ifindex, causes: tcCauses, goneErrors });
  }

  /**
   * A filter that is there: `tcFilters` lists them.
   *
   * @throws BpfError INTERFACE_NOT_FOUND, ATTACH_FAILED when there is none in this place
   */
  static open(place: TcFilterPlace): TcFilter {
    const found = tcFilters(place, place.direction).find(
      ({ priority, handle }) => priority === place.priority && handle === place.handle,
    );
    if (found !== undefined) return new TcFilter(found, place, place.direction);
    const where = `tc ${place.direction} on ${interfaceText(place)}`;
    throw new BpfError(
      'ATTACH_FAILED',
      `${where}: no filter of priority ${place.priority} and handle ${place.handle} runs a program`,
      {
        hint: 'tcFilters() lists those that are there; the kernel gave it another handle if none was asked for',
      },
    );
  }

  /** The filter of a place, without a look whether it is there. */
  static at({ ifindex, direction, priority, handle, directAction, madeQdisc, ...where }: TcPlace): TcFilter {
    const key = { ifindex, parent: filterParents[direction], priority, handle, directAction };
    const target = { interface: where.interface, netns: where.netns ?? undefined };
    return new TcFilter(key, target, direction, madeQdisc);
  }

  get place(): TcPlace {
    const { ifindex, priority, handle, directAction } = this.key;
    return {
      hook: 'tc',
      interface: this.target.interface,
      netns: this.target.netns ?? null,
      ...{ ifindex, direction: this.direction, priority, handle, directAction, madeQdisc: this.madeQdisc },
    };
  }

  /** As it became, also where the kernel chose. */
  get priority(): number {
    return this.key.priority;
  }

  get handle(): number {
    return this.key.handle;
  }

  /** What the kernel says about it now. @throws BpfError ATTACH_FAILED when it is gone */
  info(): TcFilterInfo {
    const found = this.onDevice('info', () => this.find());
    if (found === undefined) throw this.gone('info');
    return found;
  }

  describe(): string {
    const { priority, handle } = this;
    return `tc ${this.direction} on ${interfaceText(this.target)} at priority ${priority}, handle ${handle}`;
  }

  /**
   * Put another program into the filter; no packet passes between the two. The kernel compares nothing here: whether
   * the expected program is there is looked at right before.
   *
   * @throws BpfError ATTACH_CONFLICT when another program than the expected one is there, ATTACH_FAILED when the filter
   *   is gone, PRIVILEGE_MISSING
   */
  update(program: AttachableProgram, expected?: { readonly fd: number }): void {
    requireType(program, 'tc', [ProgramType.sched_cls]);
    this.expect(expected, () => this.info().programId);
    const { directAction } = this.key;
    const { error, text } = this.onDevice('update', () =>
      putFilter(this.key, { fd: program.fd, name: program.name, directAction }, 'replace'),
    );
    if (error < 0) throw tcRefused(program, `${this.describe()}: update`, error, text);
  }

  /** @throws BpfError PIN_FAILED always: a filter needs no pin to stay */
  pin(path: string): never {
    throw new BpfError('PIN_FAILED', `${this.describe()}: a filter cannot be pinned`, {
      path,
      hint: 'it stays without a pin: release() it, and find it again with TcFilter.open(); on Linux 6.6, tcx has links',
    });
  }

  /** The filter; and the clsact, if attaching made it and no other filter uses it. */
  protected remove(): RouteAnswer {
    const answer = removeFilter(this.key);
    if (answer.error === 0 && this.madeQdisc) removeIfEmpty(this.key.ifindex);
    return answer;
  }

  protected gone(action: string): BpfError {
    return new BpfError('ATTACH_FAILED', `${this.describe()}: ${action}: the filter is gone`, {
      errno: 'ENOENT',
      hint: 'somebody else removed it, or its interface: attach anew',
    });
  }

  private find(): TcFilterInfo | undefined {
    const { ifindex, parent, priority, handle } = this.key;
    return listFilters(ifindex, parent).filters.find(
      (filter) => filter.priority === priority && filter.handle === handle,
    );
  }
}

/** What tells a filter from others, as plain data: {@link openPlace} finds it again. */
export interface TcPlace {
  readonly hook: 'tc';
  readonly interface: string;
  /** As it was given; null: the namespace of the process. */
  readonly netns: string | null;
  readonly ifindex: number;
  readonly direction: TcDirection;
  /** 0: not known, the kernel chooses. */
  readonly priority: number;
  readonly handle: number;
  readonly directAction: boolean;
  /** The clsact was made for it, and goes with the last filter. */
  readonly madeQdisc: boolean;
}

/** EINVAL: the clsact is gone. */
const goneErrors = ['ENOENT', 'ENODEV', 'EINVAL'];

/**
 * The filters in one direction of an interface that run a program, in the order in which they run; filters of other
 * kinds are left out.
 *
 * @throws BpfError INTERFACE_NOT_FOUND
 *
 * @example
 * ```ts
 * tcFilters({ interface: 'eth0' }, 'ingress'); // []
 * ```
 */
export function tcFilters(target: InterfaceTarget, direction: TcDirection): TcFilterInfo[] {
  return onInterface(target, ({ index }) => [...listFilters(index, filterParents[direction]).filters]);
}
