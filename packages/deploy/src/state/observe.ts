import { Fd, fdById, linkInfo, mapInfo, programInfo, structOpsState, type LinkInfo } from '@nx-bpf/loader';
import { attachPoints, programNames, type AttachPlace, type AttachPoint } from './attach-points';
import { linkPin, programPin, type Layout } from './layout';
import { openPinned } from './ledger-map';
import { type Ledger, type LedgerLink, type LedgerMap } from './ledger';
import { isUnlinked, lookAtPlaces, notedPlaces } from './place-note';
import { pinnedMapId } from './outside-pins';
import { isDirectory, pinnedParts } from './parts';

/** What the kernel holds of what a ledger names; an entry that is missing is not there any more. */
export interface Observed {
  readonly programs: ReadonlyMap<string, ObservedProgram>;
  readonly maps: ReadonlyMap<string, ObservedMap>;
  readonly links: ReadonlyMap<string, ObservedLink>;
  /** Ids of the maps at those pins outside of the project's directory that are wanted, by path. */
  readonly outside: ReadonlyMap<string, number>;
  /** Who is at the places of links, by the link's id, where the kernel tells. */
  readonly attachPoints: ReadonlyMap<string, AttachPoint>;
  /** Names of the programs at those, as far as they may be seen. */
  readonly programNames: ReadonlyMap<number, string>;
}

export interface ObservedProgram {
  readonly id: number;
  readonly tag: string;
}

export interface ObservedMap {
  readonly id: number;
}

export interface ObservedLink {
  readonly kernelId: number;
  /** Of `struct_ops` that of the map. */
  readonly programId: number;
  /** Its device or cgroup went away: it will never run again. */
  readonly severed: boolean;
  /** Ids of its links where it is several. */
  readonly parts?: readonly number[] | undefined;
  /** Of hooks without links: ours is not there, but this, in words. */
  readonly gone?: string | undefined;
}

/**
 * Looks at every pin that a ledger names. Changes nothing.
 *
 * @param more.outside further paths to look at, where maps of others may be pinned
 * @param more.places of links that are wanted; by default those that are recorded
 */
export function observe(
  layout: Layout,
  recorded: Ledger | undefined,
  more: { readonly outside?: readonly string[]; readonly places?: readonly AttachPlace[] } = {},
): Observed {
  const points = attachPoints(more.places ?? recordedPlaces(recorded));
  const ids = (more.outside ?? []).map((pin) => [pin, pinnedMapId(pin)] as const);
  const ledger = recorded ?? { generation: 0, programs: [], maps: [], links: [] };
  return {
    attachPoints: points,
    programNames: programNames(points.values()),
    outside: new Map(ids.filter((entry): entry is readonly [string, number] => entry[1] !== undefined)),
    programs: look(
      ledger.programs,
      (program) => openPinned(programPin(layout, ledger.generation, program.name), 'program'),
      (fd) => {
        const { id, tag } = programInfo(fd);
        return { id, tag };
      },
    ),
    maps: look(ledger.maps, openUsable, (fd) => ({ id: mapInfo(fd).id })),
    links: new Map(
      ledger.links.flatMap((link): [string, ObservedLink][] => {
        const { id, hook } = link;
        const pin = linkPin(layout, id);
        const there = isUnlinked(hook) ? observeNoted(pin, link) : observeLink(pin);
        return there === undefined ? [] : [[id, there]];
      }),
    ),
  };
}

/** What is attached without a link. */
function observeNoted(pin: string, link: LedgerLink): ObservedLink | undefined {
  const look = lookAtPlaces(notedPlaces(pin, link));
  if (look === undefined) return undefined;
  const { ours, other, moved } = look;
  return {
    kernelId: 0,
    programId: ours?.programId ?? 0,
    severed: moved,
    gone: ours !== undefined ? undefined : (other ?? 'nothing'),
  };
}

/** What is pinned as a link: one, or in a directory several; undefined if nothing is. */
function observeLink(place: string): ObservedLink | undefined {
  const registered = isDirectory(place) ? undefined : observeRegistration(place);
  if (registered !== undefined) return registered;
  const infos = (isDirectory(place) ? pinnedParts(place) : [place]).flatMap((pin) => {
    const fd = openPinned(pin, 'link');
    if (fd === undefined) return [];
    try {
      return [linkInfo(fd.number)];
    } finally {
      fd.close();
    }
  });
  const [first] = infos;
  if (first === undefined) return undefined;
  const runs = infos.map(idRun);
  return {
    kernelId: first.id,
    // Of parts that run several programs, the one that is not what the first runs.
    programId: runs.find((id) => id !== runs[0]) ?? runs[0]!,
    severed: infos.some(isSevered),
    parts: isDirectory(place) ? infos.map(({ id }) => id) : undefined,
  };
}

/** A struct_ops that no link holds is pinned by its map. */
function observeRegistration(place: string): ObservedLink | undefined {
  const id = pinnedMapId(place);
  if (id === undefined) return undefined;
  const fd = openPinned(place, 'map')!;
  try {
    return { kernelId: id, programId: id, severed: structOpsState({ fd: fd.number }) !== 'registered' };
  } finally {
    fd.close();
  }
}

/** A map by its pin or id; none that was unregistered, which the kernel never takes again. */
function openUsable(map: LedgerMap): Fd | undefined {
  const fd = openMap(map);
  if (fd === undefined || map.type !== 'struct_ops' || structOpsState({ fd: fd.number }) !== 'unregistered')
    return fd;
  fd.close();
  return undefined;
}

/** Where the links of a ledger are. */
export function recordedPlaces(recorded: Ledger | undefined): AttachPlace[] {
  const attachTypes = new Map(recorded?.programs.map(({ name, attachType }) => [name, attachType]));
  return (recorded?.links ?? []).map(({ id, entry, program }) => ({
    id,
    entry,
    attachType: attachTypes.get(program) ?? 0,
  }));
}

/** A map by its pin, or, where it lives only through its programs, by its id. */
export function openMap(map: Pick<LedgerMap, 'name' | 'pin' | 'id'>): Fd | undefined {
  if (map.pin !== undefined) return openPinned(map.pin, 'map');
  const fd = fdById('map', map.id);
  return fd === undefined ? undefined : new Fd(fd, `map ${map.name}`);
}

/** The id of the program that a link runs; of `struct_ops` that of its map. */
export function idRun({ programId, target }: LinkInfo): number {
  return target.kind === 'struct_ops' ? target.map_id : programId;
}

/** The device or cgroup that a link was attached to is gone: the kernel keeps the link, and shows it with a zero. */
export function isSevered({ target }: LinkInfo): boolean {
  if ('ifindex' in target) return target.ifindex === 0;
  if ('cgroup_id' in target) return target.cgroup_id === 0n;
  return false;
}

function look<T extends { readonly name: string }, O>(
  entries: readonly T[],
  open: (entry: T) => Fd | undefined,
  ask: (fd: number) => O,
): Map<string, O> {
  const seen = new Map<string, O>();
  for (const entry of entries) {
    const fd = open(entry);
    if (fd === undefined) continue;
    try {
      seen.set(entry.name, ask(fd.number));
    } finally {
      fd.close();
    }
  }
  return seen;
}
