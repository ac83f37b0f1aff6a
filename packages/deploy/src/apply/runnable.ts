import {
  BpfError,
  Fd,
  fdById,
  hooks,
  isUpdatableStruct,
  mapInfo,
  programInfo,
  type AttachableProgram,
  type StructOpsMap,
} from '@nx-bpf/loader';
import { type LinkEntry } from '../manifest';
import {
  generationMapPin,
  openPinned,
  programPin,
  type Layout,
  type Ledger,
  type LedgerProgram,
} from '../state';
import { heldRuns, type Held } from './held';
import { type Live } from './load-programs';
import { type Undo } from './undo';

/** What a link runs: a program, or the map of a struct_ops. */
export type Runnable = AttachableProgram | StructOpsMap;

/** The kernel's id of what a link of a generation runs. */
export function runnableId(
  live: Live,
  { program, hook }: { readonly program: string; readonly hook: string },
): number {
  return (hook === 'struct_ops' ? live.maps : live.programs).get(program)!.info.id;
}

/** Whether a link is given something else to run in place. */
export function isUpdatable(entry: LinkEntry): boolean {
  return entry.hook === 'struct_ops'
    ? entry.options.link && isUpdatableStruct(entry.options.struct)
    : hooks[entry.hook].update !== 'replace';
}

/** What a link is to run. */
export function runnable(live: Live, name: string, { hook }: LinkEntry): Runnable {
  if (hook === 'struct_ops') {
    const { fd, registers } = live.maps.get(name)!;
    return { fd: fd.number, name, value: registers };
  }
  const { fd, type, attachType, target } = live.programs.get(name)!;
  return { fd: fd.number, name, type, attachType, target };
}

/** What a link runs now, ours or not; undefined where it cannot be opened. @param name what it ran, as recorded */
export function ranOn(
  link: Held,
  layout: Layout,
  recorded: Ledger | undefined,
  name: string | undefined,
  undo: Undo,
): Runnable | undefined {
  const id = heldRuns(link);
  if (link.hook !== 'struct_ops') return programThere(id, layout, recorded, name, undo);
  const map = recorded?.maps.find((each) => each.name === name);
  // Where another took its place its pin has moved already.
  const pins = map === undefined ? [] : [map.pin, generationMapPin(layout, recorded!.generation, map.name)];
  return pinnedMap(id, pins, name, undo) ?? mapById(id, undo);
}

/** A program that runs now, ours or not; undefined where it cannot be opened. @param name as it was recorded */
export function programThere(
  id: number,
  layout: Layout,
  recorded: Ledger | undefined,
  name: string | undefined,
  undo: Undo,
): AttachableProgram | undefined {
  const ran = recorded?.programs.find((each) => each.name === name);
  const pinned = ran && programPin(layout, recorded!.generation, ran.name);
  return pinnedProgram(id, ran, pinned, undo) ?? programById(id, undo);
}

function pinnedMap(
  id: number,
  places: readonly (string | undefined)[],
  name = `id ${id}`,
  undo: Undo,
): Runnable | undefined {
  for (const place of places) {
    const fd = place === undefined ? undefined : openPinned(place, 'map');
    if (fd === undefined) continue;
    undo.own(`map ${name} as it was`, fd);
    if (mapInfo(fd.number).id === id) return { fd: fd.number, name };
  }
  return undefined;
}

function mapById(id: number, undo: Undo): Runnable | undefined {
  const fd = byId('map', id, undo);
  return fd && { fd: fd.number, name: `id ${id}` };
}

/** The program of a link by its pin: without CAP_SYS_ADMIN the only way. */
function pinnedProgram(
  id: number,
  recorded: LedgerProgram | undefined,
  place: string | undefined,
  undo: Undo,
): AttachableProgram | undefined {
  const fd = place === undefined ? undefined : openPinned(place, 'program');
  if (fd === undefined || recorded === undefined) return undefined;
  const { name, attachType, attachTarget } = recorded;
  undo.own(`program ${name} as it was`, fd);
  const info = programInfo(fd.number);
  if (info.id !== id) return undefined;
  return { fd: fd.number, name, type: info.type, attachType, target: attachTarget ?? undefined };
}

/** Somebody else's program, or that of an apply that was killed. */
function programById(id: number, undo: Undo): AttachableProgram | undefined {
  const fd = byId('program', id, undo);
  return fd && { fd: fd.number, name: `id ${id}`, type: programInfo(fd.number).type };
}

function byId(kind: 'program' | 'map', id: number, undo: Undo): Fd | undefined {
  try {
    const number = fdById(kind, id);
    if (number === undefined) return undefined;
    const fd = new Fd(number, `${kind} ${id}`);
    undo.own(`${kind} ${id}`, fd);
    return fd;
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PRIVILEGE_MISSING') return undefined;
    throw error;
  }
}
