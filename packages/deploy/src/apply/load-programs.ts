import {
  Fd,
  loadObject,
  mapInfo,
  openPin,
  prepareStructOps,
  programInfo,
  structOpsValue,
  type LoadedObject,
  type MapInfo,
  type ProgramInfo,
} from '@nx-bpf/loader';
import { type Progress } from '../toolchain';
import { type Desired, type DesiredLink, type Plan } from '../plan';
import { createCard, openMap, openPinned, programPin, type Layout, type Ledger } from '../state';
import { deployedName } from './desired-maps';
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
  /** Made now: it is to be pinned. */
  readonly fresh: boolean;
  /** Somebody else pinned it, and we use it. */
  readonly adopted: boolean;
  /** Of a struct_ops without a link: the value that registers it. */
  readonly registers?: Uint8Array | undefined;
}

/** Everything of the new generation as fds, with nothing pinned and nothing attached yet. */
export interface Live {
  readonly programs: ReadonlyMap<string, LiveProgram>;
  readonly maps: ReadonlyMap<string, LiveMap>;
}

/** What of an apply's work loading needs. */
export interface LoadInputs {
  readonly layout: Layout;
  readonly plan: Plan;
  readonly recorded: Ledger | undefined;
  readonly objects: readonly PreparedObject[];
  readonly desired: Desired;
  /** Told what did not go as wished and is no failure. */
  readonly note: (text: string) => void;
  /** Is told each object as it is loaded. */
  readonly progress?: Progress | undefined;
}

/**
 * Loads every program that is new or changed, all of them before anything live is touched: the verifier has seen the
 * whole generation when this returns. Maps that stay are opened and handed to the programs.
 *
 * @throws BpfError what loading throws; everything opened here is owned by `undo`
 */
export function loadPrograms(inputs: LoadInputs, undo: Undo): Live {
  const { layout, plan, recorded, objects, desired } = inputs;
  const maps = new Map<string, LiveMap>();
  const programs = new Map<string, LiveProgram>();

  for (const change of plan.maps) {
    if (change.action !== 'keep' && change.action !== 'update') continue;
    const before = recorded?.maps.find((map) => map.name === change.name);
    const fd = before && openMap(before);
    if (before === undefined || fd === undefined) continue;
    undo.own(`map ${change.name}`, fd);
    maps.set(change.name, { fd, info: mapInfo(fd.number), fresh: false, adopted: before.adopted });
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
      // Not what its section name says: the loader chooses for USDT, as the kernel allows.
      attachType: entry.attachType,
      target: spec.target,
      fresh: false,
    });
  }
  // A map's slots are filled where it is made: the object that says what is in them comes first. A program that
  // replaces a function of another is loaded for that one: it comes last.
  const fills = ({ relocated }: PreparedObject): boolean =>
    relocated.maps.some(({ slots }) => slots.length > 0);
  const replaces = ({ name }: PreparedObject): boolean =>
    desired.programs.some((program) => program.object === name && replacedBy(desired, program.name) !== null);
  const rank = (object: PreparedObject): number => (replaces(object) ? 2 : fills(object) ? 0 : 1);
  const ordered = [...objects].sort((one, other) => rank(one) - rank(other));
  for (const [index, object] of ordered.entries()) {
    inputs.progress?.({ what: 'loading', name: object.name, number: index + 1, of: ordered.length });
    loadFresh(inputs, object, { programs, maps }, undo);
  }
  return { programs, maps };
}

/** Loads those programs of an object that are not kept, with the maps that are there already handed to them. */
function loadFresh(
  { layout, plan, desired, note }: LoadInputs,
  object: PreparedObject,
  live: { programs: Map<string, LiveProgram>; maps: Map<string, LiveMap> },
  undo: Undo,
): void {
  const kept = new Set(plan.programs.filter(({ action }) => action === 'keep').map(({ name }) => name));
  const wanted = desired.programs.filter(({ name, object: of }) => of === object.name && !kept.has(name));
  if (wanted.length === 0) return;

  const named = object.relocated.maps.map((spec) => [spec.name, deployedName(object.name, spec)] as const);
  const given = named.flatMap(([own, name]) => {
    const map = live.maps.get(name);
    return map === undefined ? [] : [[own, map.fd.number] as const];
  });
  const adopted = named.flatMap(([own, name]) => {
    const adopts = plan.maps.some((change) => change.name === name && change.action === 'adopt');
    return adopts && !live.maps.has(name)
      ? [[own, desired.maps.find((map) => map.name === name)!.pin!] as const]
      : [];
  });
  const targets = wanted.flatMap(({ name, function: entry }) => {
    const replaced = replacedBy(desired, name);
    if (replaced === null) return [];
    return [
      [entry, { program: replacedFd(replaced.program, live, undo), function: replaced.function }] as const,
    ];
  });
  const card = createCard({
    owner: `${layout.project}/${layout.environment}`,
    object: object.digest,
    generation: plan.to,
  });
  let loaded: LoadedObject;
  try {
    loaded = loadObject(object.relocated, {
      programs: [...new Set(wanted.map((program) => program.function))],
      maps: Object.fromEntries(given),
      mapPins: Object.fromEntries(adopted),
      boundMaps: card === undefined ? [] : [card.number],
      attachTargets: Object.fromEntries(targets),
    });
  } finally {
    // The programs hold the card from here on.
    card?.close();
  }
  undo.own(`object ${object.name}`, loaded);
  for (const text of loaded.notes) note(`${object.name}: ${text}`);
  const structs = prepareStructs(loaded);
  for (const { spec, fd, origin } of loaded.maps) {
    const name = deployedName(object.name, spec);
    if (live.maps.has(name)) continue;
    const isAdopted = origin === 'pinned';
    live.maps.set(name, {
      fd,
      info: mapInfo(fd.number),
      fresh: !isAdopted,
      adopted: isAdopted,
      registers: structs.get(spec.name),
    });
  }
  // Programs that a slot of a prog array brought along are not among the wanted: the array holds them.
  for (const { name, function: entry } of wanted) {
    const { fd, spec, attachType } = loaded.program(entry);
    const info = programInfo(fd.number);
    live.programs.set(name, {
      fd,
      info,
      type: info.type,
      attachType,
      target: spec.target,
      fresh: true,
    });
  }
}

/**
 * The kernel checks a struct as its value is written; without a link that would register it.
 *
 * @returns values of those without a link, by name
 */
function prepareStructs(loaded: LoadedObject): Map<string, Uint8Array> {
  const programs = new Map(loaded.programs.map(({ spec, fd }) => [spec.function, fd.number]));
  const values = new Map<string, Uint8Array>();
  for (const { spec, fd } of loaded.maps) {
    if (spec.structOps === undefined) continue;
    const value = structOpsValue(spec, (index) => programs.get(index));
    if (!prepareStructOps({ fd: fd.number, name: spec.name, value })) values.set(spec.name, value);
  }
  return values;
}

function replacedBy(desired: Desired, program: string): DesiredLink['replaces'] {
  return desired.links.find((link) => link.program === program && link.replaces !== null)?.replaces ?? null;
}

/** The program that another stands in for, by its name in the project or by its pin. */
function replacedFd(program: string, live: Pick<Live, 'programs'>, undo: Undo): number {
  if (!program.startsWith('/')) return live.programs.get(program)!.fd.number;
  const fd = new Fd(openPin(program, 'program'), `program at ${program}`);
  undo.own(`program at ${program}`, fd);
  return fd.number;
}
