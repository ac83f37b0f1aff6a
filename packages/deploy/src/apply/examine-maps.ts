import { BpfMap, type Fd } from '@nx-bpf/loader';
import { type Problems, type ProjectConfig } from '../manifest';
import {
  contentsOf,
  differenceOf,
  planCarry,
  planCopy,
  shapeOf,
  type Contents,
  type ContentsCount,
  type CopyFinding,
  type MapFindings,
  type MapShape,
  type Sharer,
} from '../maps';
import { type Desired, type DesiredMap } from '../plan';
import { openMap, openPinned, sharedUses, type Layout, type Ledger, type LedgerMap } from '../state';
import { deployedName, isData } from './desired-maps';
import { definedMaps, type DefinedMap } from './map-specs';
import { placeOf, sortedEntries, type PreparedObject } from './prepare';

/** What the manifest says of maps beyond their definitions, held against the objects. */
export interface MapWishes {
  readonly defined: ReadonlyMap<string, DefinedMap>;
  /** Contents by the map's name. */
  readonly contents: ReadonlyMap<string, Contents>;
}

/** Reads data files, and checks what is to be carried over; what is wrong goes to `problems`. */
export function mapWishes(
  config: ProjectConfig,
  objects: readonly PreparedObject[],
  desired: Desired,
  problems: Problems,
): MapWishes {
  const defined = definedMaps(objects);
  const contents = new Map<string, Contents>();
  for (const { name } of desired.maps) {
    const wanted = contentsOf(config, defined.get(name)!.shape, problems);
    if (wanted !== undefined) contents.set(name, wanted);
  }
  for (const object of objects) checkCarry(config, object, problems);
  return { defined, contents };
}

function checkCarry(
  config: ProjectConfig,
  { name: object, relocated }: PreparedObject,
  problems: Problems,
): void {
  const sections = new Set(
    relocated.maps.filter((map) => map.origin === 'data' && !map.frozen).map(({ name }) => name),
  );
  const known = relocated.variables.filter(({ map }) => sections.has(map)).map(({ name }) => name);
  for (const { name } of config.objects[object]!.carry) {
    if (known.includes(name)) continue;
    problems.add(
      placeOf(config, [`objects.${object}.carry.${name}`, `objects.${object}.carry`]),
      `object '${object}' has no variable '${name}' in .data or .bss; it has ${known.sort().join(', ') || 'none'}`,
    );
  }
}

/** What is looked at: see {@link examineMaps}. */
export interface Examination {
  readonly config: ProjectConfig;
  readonly layout: Layout;
  readonly objects: readonly PreparedObject[];
  readonly desired: Desired;
  readonly wishes: MapWishes;
  readonly recorded: Ledger | undefined;
}

/** Looks into the maps that are there, as far as the manifest says something of what is in them. Changes nothing. */
export function examineMaps(examination: Examination): MapFindings {
  const { layout, desired } = examination;
  const shared = desired.maps.some((map) => map.shared);
  const uses = shared ? sharedUses(layout) : [];
  const sharers = new Map<string, readonly Sharer[]>();
  for (const map of desired.maps) {
    const others = map.shared ? uses.filter(({ pin }) => pin === map.pin) : [];
    if (others.length > 0) sharers.set(map.name, others);
  }
  return {
    copies: new Map([...entryCopies(examination), ...carriedSections(examination)]),
    contents: contentsCounts(examination),
    wanted: new Map([...examination.wishes.contents].map(([name, { digest }]) => [name, digest])),
    sharers,
  };
}

/** The map that a name stands for now: the recorded one, or one that others have pinned there. */
function openCurrent(map: DesiredMap, recorded: Ledger | undefined): Fd | undefined {
  const before = recordedMap(recorded, map.name);
  if (before !== undefined) return openMap(before);
  return map.pin === undefined ? undefined : openPinned(map.pin, 'map');
}

function recordedMap(recorded: Ledger | undefined, name: string): LedgerMap | undefined {
  return recorded?.maps.find((map) => map.name === name);
}

function withMap<T>(fd: Fd | undefined, use: (map: BpfMap) => T): T | undefined {
  if (fd === undefined) return undefined;
  const map = new BpfMap(fd.release());
  try {
    return use(map);
  } finally {
    map.close();
  }
}

function* entryCopies({ config, desired, recorded, wishes }: Examination): Generator<[string, CopyFinding]> {
  for (const map of desired.maps) {
    const before = recordedMap(recorded, map.name);
    const changed = before !== undefined && (before.abi !== map.abi || before.pin !== map.pin);
    if (map.migrate !== 'copy' || map.object !== undefined || !changed) continue;
    const plan = withMap(openMap(before), (old) =>
      planCopy(shapeOf(old), wishes.defined.get(map.name)!.shape, config.maps[map.name]!.copy),
    );
    if (plan !== undefined) yield [map.name, { problems: plan.problems, window: plan.window ?? null }];
  }
}

function* carriedSections({ config, objects, recorded }: Examination): Generator<[string, CopyFinding]> {
  for (const object of objects) {
    const { steps, problems } = carryOf(config, object, recordedSections(recorded, object.name));
    for (const spec of object.relocated.maps.filter(isData)) {
      const carried = steps.filter((step) => step.to.map === spec.name);
      if (carried.length === 0) continue;
      const names = carried.filter(({ summed }) => summed.length === 0).map(({ name }) => name);
      const window =
        names.length === 0
          ? null
          : `what programs write to ${names.join(', ')} between the copy and the switch is lost`;
      yield [deployedName(object.name, spec), { problems, window }];
    }
  }
}

/** The data sections' maps of an object that are there, each with its types. */
export function recordedSections(recorded: Ledger | undefined, object: string): MapShape[] {
  const sections = recorded?.maps.filter((map) => map.object === object && map.frozen === null) ?? [];
  return sections.flatMap((section) => {
    const shape = withMap(openMap(section), (map) => ({ ...shapeOf(map), name: section.name }));
    return shape === undefined ? [] : [shape];
  });
}

/** How an object's variables are carried over. */
export function carryOf(
  config: ProjectConfig,
  object: PreparedObject,
  sections: readonly MapShape[],
): ReturnType<typeof planCarry> {
  const { carry } = config.objects[object.name]!;
  if (carry.length === 0 || sections.length === 0) return { steps: [], problems: [] };
  const defined = [...definedMaps([object]).values()];
  return planCarry(carry, sections, object.relocated.variables, defined[0]?.shape.btf);
}

function contentsCounts({ desired, recorded, wishes }: Examination): Map<string, ContentsCount> {
  const counts = new Map<string, ContentsCount>();
  for (const [name, contents] of sortedEntries(Object.fromEntries(wishes.contents))) {
    const map = desired.maps.find((each) => each.name === name)!;
    const before = recordedMap(recorded, name);
    const sameAbi = before === undefined || before.abi === map.abi;
    const found = sameAbi
      ? withMap(openCurrent(map, recorded), (current) =>
          contents.mode === 'seed' ? none : differenceOf(contents, current),
        )
      : undefined;
    const { added, changed, removed } = found ?? { ...none, added: contents.entries.length };
    if (added + changed + removed > 0) counts.set(name, { added, changed, removed });
  }
  return counts;
}

const none: ContentsCount = { added: 0, changed: 0, removed: 0 };
