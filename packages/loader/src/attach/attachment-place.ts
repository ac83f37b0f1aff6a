import { BpfError } from '../errors';
import { filterParents, ingressQdisc, listFilters, networkInterfaces, routesTo } from '../kernel';
import { removeIfEmpty } from './clsact';
import { type HookOptions } from './hook-options';
import { findInterface } from './interfaces';
import { idInName, lwtPlace, LwtRoute, type LwtPlace } from './lwt';
import { inNetns } from './netns';
import { type AttachableProgram } from './program';
import { tcDirection } from './tc';
import { TcFilter, type TcPlace } from './tc-filter';

/** What tells a filter or a route from others, as plain data. What no link holds is found again by it. */
export type AttachmentPlace = TcPlace | LwtPlace;

/** What there is in a place now. */
export interface PlaceLook {
  /** One that runs a program with one of the ids that were given: its place as it is, and the program. */
  readonly ours: { readonly place: AttachmentPlace; readonly programId: number } | undefined;
  /** What somebody else has exactly there, in words. */
  readonly other: string | undefined;
  /** The interface of this name is another one by now, or there is none. */
  readonly moved: boolean;
}

/**
 * What attaching would make.
 *
 * @returns its place; numbers that the kernel is to choose are 0
 * @throws BpfError INTERFACE_NOT_FOUND, ATTACH_FAILED for a program of another type
 *
 * @example
 * ```ts
 * const place = attachmentPlace(program, 'tc', { interface: 'eth0', direction: 'ingress' });
 * place.hook; // 'tc'
 * ```
 */
export function attachmentPlace<H extends 'tc' | 'lwt'>(
  program: AttachableProgram,
  hook: H,
  options: HookOptions[H],
): AttachmentPlace {
  const { netns } = options;
  return inNetns(netns, () => {
    const { index: ifindex } = findInterface(options);
    if (hook === 'lwt') {
      const { destination, via, table, metric, headroom } = options as HookOptions['lwt'];
      return {
        ...{
          hook: 'lwt',
          interface: options.interface,
          netns: netns ?? null,
          ifindex,
          kind: lwtPlace(program),
        },
        ...{ destination, via, table, metric, headroom },
      };
    }
    const { direction, priority = 0, handle = 0, directAction = true } = options as HookOptions['tc'];
    return {
      ...{ hook: 'tc', interface: options.interface, netns: netns ?? null, ifindex },
      ...{ direction: direction ?? tcDirection(program), priority, handle, directAction },
      madeQdisc: ingressQdisc(ifindex) === undefined,
    };
  });
}

/**
 * The attachment of a place, without a look whether it is there. Closing it takes it away unless it is released.
 *
 * @example
 * ```ts
 * const place = attachmentPlace(program, 'tc', { interface: 'eth0', direction: 'ingress', priority: 7, handle: 1 });
 * openPlace(place).release();
 * ```
 */
export function openPlace(place: AttachmentPlace): TcFilter | LwtRoute {
  return place.hook === 'tc' ? TcFilter.at(place) : LwtRoute.at(place);
}

/**
 * Removes a clsact that was made for a filter which is gone already, unless something else is in it: removing it failed
 * after the filter went.
 *
 * @param place whose interface is there
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * const place = attachmentPlace(program, 'tc', { interface: 'eth0', direction: 'ingress' });
 * removeLeftQdisc(place); // nothing, if it made none
 * ```
 */
export function removeLeftQdisc(place: AttachmentPlace): void {
  if (place.hook !== 'tc' || !place.madeQdisc) return;
  inNetns(place.netns ?? undefined, () => {
    if (ingressQdisc(place.ifindex) === 'clsact') removeIfEmpty(place.ifindex);
  });
}

/**
 * Looks at a place. Only one that runs a program of the given ids is ours: a number among filters, or a route, may be
 * somebody else's by now.
 *
 * @throws BpfError SYSCALL_FAILED when the kernel's list is not whole
 *
 * @example
 * ```ts
 * const place = attachmentPlace(program, 'tc', { interface: 'eth0', direction: 'ingress' });
 * lookAtPlace(place, []).ours; // undefined
 * ```
 */
export function lookAtPlace(place: AttachmentPlace, programIds: readonly number[]): PlaceLook {
  try {
    return inNetns(place.netns ?? undefined, () => {
      const named = networkInterfaces().find(({ name }) => name === place.interface);
      const moved = named?.index !== place.ifindex;
      return {
        ...(place.hook === 'tc' ? lookAtFilter(place, programIds) : lookAtRoute(place, programIds)),
        moved,
      };
    });
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== 'INTERFACE_NOT_FOUND') throw error;
    return { ours: undefined, other: undefined, moved: true };
  }
}

function lookAtFilter(place: TcPlace, programIds: readonly number[]): Omit<PlaceLook, 'moved'> {
  const { priority, handle } = place;
  const { filters } = listFilters(place.ifindex, filterParents[place.direction]);
  const there = filters.filter(
    (filter) =>
      (priority === 0 || filter.priority === priority) && (handle === 0 || filter.handle === handle),
  );
  const ours = there.find(({ programId }) => programIds.includes(programId));
  if (ours !== undefined) {
    const { priority, handle, directAction, programId } = ours;
    return { ours: { place: { ...place, priority, handle, directAction }, programId }, other: undefined };
  }
  const [other] = priority === 0 || handle === 0 ? [] : there;
  const text = other && `a filter '${other.name}' that runs program id ${other.programId}`;
  return { ours: undefined, other: text };
}

/** The first of several routes is the one that counts, and that would be replaced. */
function lookAtRoute(place: LwtPlace, programIds: readonly number[]): Omit<PlaceLook, 'moved'> {
  const { key } = LwtRoute.at(place);
  const [first] = routesTo(key);
  if (first === undefined) return { ours: undefined, other: undefined };
  const programId = idInName(first.program?.name);
  const isOurs = programId !== undefined && programIds.includes(programId) && first.ifindex === key.ifindex;
  if (isOurs)
    return { ours: { place: { ...place, kind: first.program!.place }, programId }, other: undefined };
  const runs = first.program === undefined ? 'without a program' : `that runs '${first.program.name}'`;
  return { ours: undefined, other: `a route ${runs}, on interface ${first.ifindex}` };
}

/**
 * What attaching with these options would make in the place of one that is there, by putting a program into it.
 *
 * @returns undefined if it would be in another place
 *
 * @example
 * ```ts
 * const there = attachmentPlace(program, 'tc', { interface: 'eth0', direction: 'ingress', priority: 7, handle: 1 });
 * const wanted = attachmentPlace(program, 'tc', { interface: 'eth0', direction: 'egress' });
 * inPlaceOf(there, wanted); // undefined
 * ```
 */
export function inPlaceOf(there: AttachmentPlace, wanted: AttachmentPlace): AttachmentPlace | undefined {
  if (there.hook === 'lwt') {
    if (wanted.hook !== 'lwt' || there.netns !== wanted.netns) return undefined;
    return routeText(there) === routeText(wanted) ? wanted : undefined;
  }
  if (wanted.hook !== 'tc') return undefined;
  const { priority, handle, madeQdisc } = there;
  const isSame =
    there.ifindex === wanted.ifindex &&
    there.netns === wanted.netns &&
    there.direction === wanted.direction &&
    [0, priority].includes(wanted.priority) &&
    [0, handle].includes(wanted.handle);
  return isSame ? { ...wanted, priority, handle, madeQdisc } : undefined;
}

/** What the kernel replaces a route by. */
function routeText(place: LwtPlace): string {
  const { destination, prefix, table, metric } = LwtRoute.at(place).key;
  return [...destination, prefix, table, metric].join(' ');
}
