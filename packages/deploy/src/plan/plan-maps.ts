import { type MapFindings } from '../maps';
import { type Ledger, type LedgerMap, type ObjectIdentity, type Observed } from '../state';
import { type MapChange, type Reason } from './change';
import { type Desired, type DesiredMap } from './desired';
import { mapDifferences } from './map-differences';

export interface PlannedMaps {
  readonly maps: MapChange[];
  /** The objects that are loaded anew, each with its reasons. */
  readonly changedObjects: ReadonlyMap<string, readonly Reason[]>;
}

/**
 * What becomes of the maps, and which objects are loaded anew, each with its reasons. One follows from the other: a
 * map that is not the one before reaches every program that uses it, with its object and that object's data maps; and
 * a map that holds it in a slot.
 */
export function planMaps(
  desired: Desired,
  recorded: Ledger | undefined,
  observed: Observed,
  findings: MapFindings,
): PlannedMaps {
  const before = new Map(recorded?.maps.map((map) => [map.name, map]));
  const changedObjects = findChangedObjects(desired, recorded, observed);
  let fresh: ReadonlySet<string> = new Set();
  for (;;) {
    const maps = desired.maps.map((map) =>
      planMap(map, before.get(map.name), observed, findings, {
        owner: map.object === undefined ? undefined : changedObjects.get(map.object),
        slots: map.slots.some((slot) => fresh.has(slot.slice(slot.indexOf('=') + 1))),
      }),
    );
    const known = fresh.size + changedObjects.size;
    fresh = new Set(
      maps.filter(({ action }) => action !== 'keep' && action !== 'update').map(({ name }) => name),
    );
    for (const { object, maps: used } of desired.programs) {
      if (!changedObjects.has(object) && used.some((name) => fresh.has(name)))
        changedObjects.set(object, ['map']);
    }
    if (fresh.size + changedObjects.size === known) return { maps, changedObjects };
  }
}

/** @param renewed why the map must be made anew although nothing is wrong with it */
function planMap(
  map: DesiredMap,
  before: LedgerMap | undefined,
  observed: Observed,
  { copies, contents, sharers }: MapFindings,
  renewed: { readonly owner: readonly Reason[] | undefined; readonly slots: boolean },
): MapChange {
  const differences = before === undefined ? [] : mapDifferences(before, map);
  const copy = copies.get(map.name);
  const change = (
    action: MapChange['action'],
    reasons: readonly Reason[] = [],
    problems: readonly string[] = [],
  ): MapChange => ({
    name: map.name,
    action,
    reasons,
    type: map.type,
    differences,
    contents: action === 'refuse' ? null : (contents.get(map.name) ?? null),
    window: action === 'migrate' ? (copy?.window ?? null) : null,
    problems,
  });
  const migrate = (reasons: readonly Reason[]): MapChange =>
    copy!.problems.length > 0 ? change('refuse', reasons, copy!.problems) : change('migrate', reasons);
  const others = (sharers.get(map.name) ?? [])
    .filter(({ abi }) => abi !== map.abi)
    .map(({ project }) => project);

  const ours = before?.adopted === false ? before.id : undefined;
  const there = map.pin === undefined ? undefined : observed.outside.get(map.pin);
  const foreign = there !== undefined && there !== ours;
  const create = foreign ? 'adopt' : 'create';
  const replace = foreign ? 'adopt' : 'replace';

  if (others.length > 0) {
    const text = `projects that share it know it otherwise: ${others.join(', ')}; deploy all of them with one definition`;
    return change('refuse', ['shared', 'definition'], [text]);
  }
  if (before === undefined) return change(create, ['new']);
  if (observed.maps.get(map.name)?.id !== before.id) return change(create, ['drift']);
  if (renewed.owner !== undefined)
    return copy === undefined ? change(replace, renewed.owner) : migrate(renewed.owner);
  if (differences.length > 0) {
    if (before.adopted) return change(create, ['definition']);
    // What belongs to an object starts anew with each of its versions: there are no entries to protect.
    if (map.object !== undefined) return change(replace, ['definition']);
    if (map.migrate === 'copy' && copy !== undefined) return migrate(['definition']);
    if (map.migrate !== 'recreate') return change('refuse', ['definition']);
    if (!map.protect) return change(replace, ['definition']);
    return change('refuse', ['definition', 'protected'], ['it is protected, and would start empty']);
  }
  if (renewed.slots || before.slots.join() !== map.slots.join()) return change(replace, ['slots']);
  return contents.has(map.name) ? change('update', ['contents']) : change('keep');
}

/** Objects that must be loaded anew, each with the reasons that are known before maps are looked at. */
function findChangedObjects(
  desired: Desired,
  recorded: Ledger | undefined,
  observed: Observed,
): Map<string, Reason[]> {
  const changed = new Map<string, Reason[]>();
  const before = new Map(recorded?.objects.map((object) => [object.name, object]));
  const elsewhere = changedByKernel(desired, recorded);
  const damaged = damagedObjects(recorded, observed);
  for (const object of desired.objects) {
    const old = before.get(object.name);
    const reasons: Reason[] = [];
    if (old === undefined) reasons.push('new');
    else {
      if (old.object !== object.object) reasons.push(...objectReasons(old, object));
      if (old.constants !== object.constants) reasons.push('constants');
      if (reasons.length === 0 && elsewhere.has(object.name)) reasons.push('kernel');
      if (damaged.has(object.name)) reasons.push('drift');
    }
    if (reasons.length > 0) changed.set(object.name, reasons);
  }
  return changed;
}

/** Why an object's bytes are others: as far as it is recorded what it was made from. */
function objectReasons(before: ObjectIdentity, after: ObjectIdentity): Reason[] {
  const differs = (key: 'sources' | 'toolchain'): boolean =>
    before[key] !== null && after[key] !== null && before[key] !== after[key];
  const reasons: Reason[] = [];
  if (differs('toolchain')) reasons.push('toolchain');
  if (differs('sources') || reasons.length === 0) reasons.unshift('source');
  return reasons;
}

/** Objects whose programs relocate to other instructions than they did, whatever their own reasons. */
function changedByKernel(desired: Desired, recorded: Ledger | undefined): Set<string> {
  const before = new Map(recorded?.programs.map((program) => [program.name, program]));
  return new Set(
    desired.programs
      .filter((program) => {
        const old = before.get(program.name);
        return (
          old !== undefined &&
          old.object === program.object &&
          old.function === program.function &&
          old.instructions !== program.instructions
        );
      })
      .map(({ object }) => object),
  );
}

/** Objects of which a program or a map lost its pin: their programs no longer share what they should. */
function damagedObjects(recorded: Ledger | undefined, observed: Observed): Set<string> {
  const programs = (recorded?.programs ?? []).filter((program) => {
    const there = observed.programs.get(program.name);
    return there === undefined || there.id !== program.id || there.tag !== program.tag;
  });
  const maps = (recorded?.maps ?? []).filter((map) => observed.maps.get(map.name)?.id !== map.id);
  return new Set([
    ...programs.map(({ object }) => object),
    ...maps.flatMap(({ object }) => (object === undefined ? [] : [object])),
  ]);
}
