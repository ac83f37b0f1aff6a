import { BpfError, copyStructOps, Fd, fdById, mapInfo, programInfo, structOpsState } from '@nx-bpf/loader';
import {
  generationMapPin,
  keptGenerations,
  openPinned,
  pinnedMapId,
  programPin,
  type Layout,
  type Ledger,
  type LedgerMap,
  type LedgerProgram,
} from '../state';
import { type Live, type LiveMap, type LiveProgram } from './load-programs';
import { type Undo } from './undo';

/**
 * The programs and maps of a generation that was deployed before, from its pins; where one was removed, by its id, as
 * long as something else still holds it.
 *
 * @throws BpfError GENERATION_UNAVAILABLE with all that is not there any more
 */
export function openGeneration(layout: Layout, ledger: Ledger, undo: Undo): Live {
  const problems: string[] = [];
  const programs = new Map<string, LiveProgram>();
  for (const recorded of ledger.programs) {
    const fd = openProgram(layout, ledger, recorded, undo);
    if (fd === undefined) {
      problems.push(`program ${recorded.name} (id ${recorded.id}) is gone`);
      continue;
    }
    const info = programInfo(fd.number);
    const { attachType, attachTarget } = recorded;
    const target = attachTarget ?? undefined;
    programs.set(recorded.name, { fd, info, type: info.type, attachType, target, fresh: false });
  }
  const maps = new Map<string, LiveMap>();
  for (const recorded of ledger.maps) {
    const { name, pin, adopted } = recorded;
    const fd = openMapOf(layout, ledger, recorded, undo);
    if (fd === undefined) {
      // Without a pin it lives through its programs, which are there.
      if (pin !== undefined) problems.push(`map ${name} (id ${recorded.id}) is gone`);
      continue;
    }
    if (recorded.type === 'struct_ops' && structOpsState({ fd: fd.number }) === 'unregistered') {
      maps.set(name, copyOf(name, fd, undo));
      continue;
    }
    const fresh = pin !== undefined && !adopted && pinnedMapId(pin) !== recorded.id;
    maps.set(name, { fd, info: mapInfo(fd.number), fresh, adopted });
  }
  if (problems.length === 0) return { programs, maps };
  throw new BpfError(
    'GENERATION_UNAVAILABLE',
    `generation ${ledger.generation} of ${ledger.project}/${ledger.environment} is not whole any more: ${problems.join('; ')}`,
    { problems, hint: 'apply builds what the manifest says anew' },
  );
}

/** A struct_ops that was unregistered comes back as a copy: the kernel registers none twice. */
function copyOf(name: string, map: Fd, undo: Undo): LiveMap {
  const copy = copyStructOps({ fd: map.number, name });
  undo.own(`struct_ops ${name}`, copy);
  const { fd, value } = copy;
  return { fd, info: mapInfo(fd.number), fresh: true, adopted: false, registers: value };
}

/** A generation with the copies that took the places of maps: see `openGeneration`. */
export function withCopies(ledger: Ledger, { maps }: Live): Ledger {
  return {
    ...ledger,
    maps: ledger.maps.map((map) => {
      const copy = map.type === 'struct_ops' ? maps.get(map.name) : undefined;
      return copy === undefined ? map : { ...map, id: copy.info.id };
    }),
  };
}

function openProgram(
  layout: Layout,
  { generation }: Ledger,
  { name, id, tag }: LedgerProgram,
  undo: Undo,
): Fd | undefined {
  const isIt = (fd: number): boolean => {
    const info = programInfo(fd);
    return info.id === id && info.tag === tag;
  };
  return first(
    [() => openPinned(programPin(layout, generation, name), 'program'), () => byId('program', id)],
    isIt,
    `program ${name}`,
    undo,
  );
}

function openMapOf(
  layout: Layout,
  { generation }: Ledger,
  { name, id, pin }: LedgerMap,
  undo: Undo,
): Fd | undefined {
  const later = keptGenerations(layout).filter((each) => each >= generation);
  return first(
    [
      ...(pin === undefined ? [] : [() => openPinned(pin, 'map')]),
      ...later.map((each) => () => openPinned(generationMapPin(layout, each, name), 'map')),
      () => byId('map', id),
    ],
    (fd) => mapInfo(fd).id === id,
    `map ${name}`,
    undo,
  );
}

/** The first of several places that holds the right thing. */
function first(
  places: readonly (() => Fd | undefined)[],
  isIt: (fd: number) => boolean,
  what: string,
  undo: Undo,
): Fd | undefined {
  for (const open of places) {
    const fd = open();
    if (fd === undefined) continue;
    undo.own(what, fd);
    if (isIt(fd.number)) return fd;
  }
  return undefined;
}

/** Objects by id take CAP_SYS_ADMIN: without it pins are all there is. */
function byId(kind: 'program' | 'map', id: number): Fd | undefined {
  try {
    const fd = fdById(kind, id);
    return fd === undefined ? undefined : new Fd(fd, `${kind} ${id}`);
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PRIVILEGE_MISSING') return undefined;
    throw error;
  }
}
