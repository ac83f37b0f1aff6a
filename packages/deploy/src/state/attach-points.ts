import {
  AttachType,
  cgroupPrograms,
  cgroupTypes,
  inNetns,
  networkInterfaces,
  programInfo,
  tcxPrograms,
  withObject,
} from '@nx-bpf/loader';
import { type HookOptions, type LinkEntry } from '../manifest';

/** The programs at the place of a link, ours and others', in the order in which they run. */
export interface AttachPoint {
  readonly programIds: readonly number[];
}

/** A link that is wanted or recorded, with what tells its attach point. */
export interface AttachPlace {
  readonly id: string;
  readonly entry: LinkEntry;
  /** `enum bpf_attach_type` that its program is loaded with. */
  readonly attachType: number;
}

const tcxDirections: Readonly<Record<number, 'ingress' | 'egress'>> = {
  [AttachType.tcx_ingress]: 'ingress',
  [AttachType.tcx_egress]: 'egress',
};

/**
 * Who is at the places of links, as far as the kernel tells: xdp, tcx and cgroup hooks. Changes nothing.
 *
 * @returns by id of the link; without those whose hooks cannot be asked, or whose target is not there
 */
export function attachPoints(places: readonly AttachPlace[]): Map<string, AttachPoint> {
  const found = new Map<string, AttachPoint>();
  for (const place of places) {
    const programIds = quietly(() => programsAt(place));
    if (programIds !== undefined) found.set(place.id, { programIds });
  }
  return found;
}

function programsAt({ entry, attachType }: AttachPlace): readonly number[] | undefined {
  const netns = entry.netns ?? undefined;
  const option = (key: string): string | undefined => {
    const value = (entry.options as HookOptions)[key];
    return typeof value === 'string' ? value : undefined;
  };
  switch (entry.hook) {
    case 'xdp': {
      const device = inNetns(netns, () =>
        networkInterfaces().find(({ name }) => name === option('interface')),
      );
      return device?.xdp.map(({ programId }) => programId);
    }
    case 'tcx': {
      const direction = tcxDirections[attachType];
      const given = option('direction');
      const way = given === 'ingress' || given === 'egress' ? given : direction;
      if (way === undefined) return undefined;
      return tcxPrograms({ interface: option('interface')!, netns }, way)?.programIds;
    }
    case 'cgroup': {
      const type = cgroupTypes.find(({ name }) => name === option('type'))?.attachType ?? attachType;
      return cgroupPrograms(option('path')!, type)?.programIds;
    }
    default:
      return undefined;
  }
}

/** Names of programs, as far as this process may ask for them. */
export function programNames(points: Iterable<AttachPoint>): Map<number, string> {
  const names = new Map<number, string>();
  for (const { programIds } of points) {
    for (const id of programIds) {
      if (names.has(id)) continue;
      const name = quietly(() => withObject('program', id, (fd) => programInfo(fd).name));
      if (name !== undefined) names.set(id, name);
    }
  }
  return names;
}

/** A target that is not there, or a kernel without such a query, is no failure of looking. */
function quietly<T>(ask: () => T | undefined): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
