import {
  type Fd,
  loadObject,
  mapInfo,
  programInfo,
  type LoadedObject,
  type MapInfo,
  type ProgramInfo,
} from '@nx-bpf/loader';
import { type Plan } from '../plan';
import { createCard, openMap, openPinned, programPin, type Layout, type Ledger } from '../state';
import { deployedName } from './desired';
import { type PreparedObject } from './prepare';
import { type Undo } from './undo';

/** A program of the new generation: loaded now, or kept from the one before. */
export interface LiveProgram {
  readonly fd: Fd;
  readonly info: ProgramInfo;
  readonly type: number;
  readonly attachType: number;
  readonly target: string | undefined;
  readonly fresh: boolean;
}

export interface LiveMap {
  readonly fd: Fd;
  readonly info: MapInfo;
  readonly fresh: boolean;
}

/** Everything of the new generation as fds, with nothing pinned and nothing attached yet. */
export interface Live {
  readonly programs: ReadonlyMap<string, LiveProgram>;
  readonly maps: ReadonlyMap<string, LiveMap>;
}

export interface LoadInputs {
  readonly layout: Layout;
  readonly plan: Plan;
  readonly recorded: Ledger | undefined;
  readonly objects: readonly PreparedObject[];
  /** The manifest's program of each object's function. */
  readonly programOf: (object: string, functionName: string) => string | undefined;
}

/**
 * Loads every program that is new or changed, all of them before anything live is touched: the verifier has seen the
 * whole generation when this returns. Maps that stay are opened and handed to the programs.
 *
 * @throws BpfError what loading throws; everything opened here is owned by `undo`
 */
export function loadPrograms(inputs: LoadInputs, undo: Undo): Live {
  const { layout, plan, recorded, objects } = inputs;
  const maps = new Map<string, LiveMap>();
  const programs = new Map<string, LiveProgram>();

  for (const change of plan.maps) {
    if (change.action !== 'keep') continue;
    const fd = openMap(recorded!.maps.find((map) => map.name === change.name)!);
    if (fd === undefined) continue;
    undo.own(`map ${change.name}`, fd);
    maps.set(change.name, { fd, info: mapInfo(fd.number), fresh: false });
  }

  for (const object of objects) {
    const fresh = object.functions.filter((entry) => {
      const name = inputs.programOf(object.name, entry);
      return plan.programs.some((change) => change.name === name && change.action !== 'keep');
    });
    if (fresh.length > 0) loadFresh(inputs, object, fresh, { programs, maps }, undo);
  }

  for (const change of plan.programs) {
    if (change.action !== 'keep') continue;
    const fd = openPinned(programPin(layout, plan.from, change.name), 'program')!;
    undo.own(`program ${change.name}`, fd);
    const entry = recorded!.programs.find((program) => program.name === change.name)!;
    const spec = objects
      .find((object) => object.name === entry.object)!
      .relocated.programs.find((program) => program.name === entry.function)!;
    const info = programInfo(fd.number);
    programs.set(change.name, {
      fd,
      info,
      type: info.type,
      attachType: spec.attachType,
      target: spec.target,
      fresh: false,
    });
  }
  return { programs, maps };
}

function loadFresh(
  { layout, plan, programOf }: LoadInputs,
  object: PreparedObject,
  functions: readonly string[],
  live: { programs: Map<string, LiveProgram>; maps: Map<string, LiveMap> },
  undo: Undo,
): void {
  const given: Record<string, number> = {};
  for (const spec of object.relocated.maps) {
    const map = live.maps.get(deployedName(object.name, spec));
    if (map !== undefined) given[spec.name] = map.fd.number;
  }
  const card = createCard({
    owner: `${layout.project}/${layout.environment}`,
    object: object.digest,
    generation: plan.to,
  });
  let loaded: LoadedObject;
  try {
    loaded = loadObject(object.relocated, {
      programs: functions,
      maps: given,
      boundMaps: card === undefined ? [] : [card.number],
    });
  } finally {
    // The programs hold the card from here on.
    card?.close();
  }
  undo.own(`object ${object.name}`, loaded);
  for (const map of loaded.maps) {
    const name = deployedName(object.name, map.spec);
    if (!live.maps.has(name)) live.maps.set(name, { fd: map.fd, info: mapInfo(map.fd.number), fresh: true });
  }
  for (const program of loaded.programs) {
    const name = programOf(object.name, program.spec.name);
    // Brought along by a slot of a prog array, and not in the manifest: the array holds it.
    if (name === undefined) continue;
    const info = programInfo(program.fd.number);
    live.programs.set(name, {
      fd: program.fd,
      info,
      type: info.type,
      attachType: program.spec.attachType,
      target: program.spec.target,
      fresh: true,
    });
  }
}
