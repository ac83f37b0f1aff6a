import { type Ledger, type LedgerMap, type Observed } from '../state';
import { type Desired, type DesiredMap } from './desired';

/** Why something changes. */
export type Reason =
  'new' | 'source' | 'constants' | 'map' | 'definition' | 'slots' | 'program' | 'target' | 'drift' | 'unused';

export interface Change<Action extends string = string> {
  readonly name: string;
  readonly action: Action;
  readonly reasons: readonly Reason[];
}

export type ProgramChange = Change<'create' | 'keep' | 'replace' | 'remove'>;
/** `adopt` uses the map of somebody else that is pinned where the manifest says; it is never removed. */
export type MapChange = Change<'create' | 'adopt' | 'keep' | 'replace' | 'remove' | 'refuse'>;
/** `update` switches the program in place; `replace` attaches anew and drops the old link. */
export type LinkChange = Change<'create' | 'keep' | 'update' | 'replace' | 'remove'>;

/** What apply would do, and why: a value that is printed, compared and carried out. */
export interface Plan {
  /** The generation that is there, 0 if none. */
  readonly from: number;
  /** The generation after it: `from` if nothing changes. */
  readonly to: number;
  readonly programs: readonly ProgramChange[];
  readonly maps: readonly MapChange[];
  readonly links: readonly LinkChange[];
  /** Things that changed behind our back, in words. */
  readonly drift: readonly string[];
  readonly empty: boolean;
}

/**
 * Compares what is wanted, what was recorded and what is there. Pure: no clock, no kernel.
 *
 * The unit of replacement is the object, since its programs share its data sections: a changed object is loaded
 * anew as a whole, with fresh data maps, while maps that objects share by name stay as long as their definition does.
 * So is a prog array that the object's programs are in: one that runs is never refilled, as an old entry program would
 * then call new ones.
 *
 * @example
 * ```ts
 * const plan = makePlan(desired, recorded, observed);
 * for (const { name, action, reasons } of plan.programs) console.log(action, name, reasons);
 * ```
 */
export function makePlan(desired: Desired, recorded: Ledger | undefined, observed: Observed): Plan {
  const drift = findDrift(recorded, observed);
  const { maps, changedObjects } = planMaps(desired, recorded, observed);

  const recordedPrograms = new Map(recorded?.programs.map((program) => [program.name, program]));
  const programs = desired.programs.map((program): ProgramChange => {
    const before = recordedPrograms.get(program.name);
    if (before === undefined) return change(program.name, 'create', ['new']);
    const reasons = changedObjects.get(program.object);
    if (reasons !== undefined) return change(program.name, 'replace', reasons);
    if (before.object !== program.object || before.function !== program.function) {
      return change(program.name, 'replace', ['source']);
    }
    return change(program.name, 'keep');
  });
  const programAction = new Map(programs.map((program) => [program.name, program.action]));

  const recordedLinks = new Map(recorded?.links.map((link) => [link.id, link]));
  const links = desired.links.map((link): LinkChange => {
    const before = recordedLinks.get(link.id);
    if (before === undefined) return change(link.id, 'create', ['new']);
    const there = observed.links.get(link.id);
    if (there === undefined || there.severed || there.kernelId !== before.kernelId) {
      return change(link.id, 'create', ['drift']);
    }
    if (before.spec !== link.spec) return change(link.id, 'replace', ['target']);
    const switched = before.program !== link.program || programAction.get(link.program) !== 'keep';
    const foreign = there.programId !== before.programId;
    if (!switched && !foreign) return change(link.id, 'keep');
    return change(link.id, link.updatable ? 'update' : 'replace', switched ? ['program'] : ['drift']);
  });

  const gone = <T extends { readonly name: string }>(
    before: readonly T[] | undefined,
    now: readonly T[],
  ): string[] => {
    const names = new Set(now.map((entry) => entry.name));
    return (before ?? []).filter((entry) => !names.has(entry.name)).map((entry) => entry.name);
  };
  const named = <T extends { readonly id: string }>(list: readonly T[]): { name: string }[] =>
    list.map((entry) => ({ name: entry.id }));
  const remove = (name: string) => ({ name, action: 'remove' as const, reasons: ['unused' as const] });

  const all = {
    programs: sorted([
      ...programs,
      ...gone<{ name: string }>(recorded?.programs, desired.programs).map(remove),
    ]),
    maps: sorted([...maps, ...gone<{ name: string }>(recorded?.maps, desired.maps).map(remove)]),
    links: sorted([...links, ...gone(recorded && named(recorded.links), named(desired.links)).map(remove)]),
  };
  const empty = [...all.programs, ...all.maps, ...all.links].every((entry) => entry.action === 'keep');
  const from = recorded?.generation ?? 0;
  return { from, to: empty ? from : from + 1, ...all, drift, empty };
}

function change<A extends string>(name: string, action: A, reasons: readonly Reason[] = []): Change<A> {
  return { name, action, reasons };
}

function sorted<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/**
 * What becomes of the maps, and which objects are loaded anew, each with its reasons. One follows from the other: a
 * map that is not the one before reaches every program that uses it, with its object and that object's data maps; and
 * a map that holds it in a slot.
 */
function planMaps(
  desired: Desired,
  recorded: Ledger | undefined,
  observed: Observed,
): { maps: MapChange[]; changedObjects: ReadonlyMap<string, readonly Reason[]> } {
  const before = new Map(recorded?.maps.map((map) => [map.name, map]));
  const changedObjects = findChangedObjects(desired, recorded, observed);
  let fresh: ReadonlySet<string> = new Set();
  for (;;) {
    const maps = desired.maps.map((map) =>
      planMap(map, before.get(map.name), observed, {
        owner: map.object === undefined ? undefined : changedObjects.get(map.object),
        slots: map.slots.some((slot) => fresh.has(slot.slice(slot.indexOf('=') + 1))),
      }),
    );
    const known = fresh.size + changedObjects.size;
    fresh = new Set(maps.filter((map) => map.action !== 'keep').map((map) => map.name));
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
  renewed: { readonly owner: readonly Reason[] | undefined; readonly slots: boolean },
): MapChange {
  const ours = before?.adopted === false ? before.id : undefined;
  const there = map.pin === undefined ? undefined : observed.outside.get(map.pin);
  const foreign = there !== undefined && there !== ours;
  const create = foreign ? 'adopt' : 'create';
  const replace = foreign ? 'adopt' : 'replace';

  if (before === undefined) return change(map.name, create, ['new']);
  if (observed.maps.get(map.name)?.id !== before.id) return change(map.name, create, ['drift']);
  if (renewed.owner !== undefined) return change(map.name, replace, renewed.owner);
  if (before.abi !== map.abi || before.pin !== map.pin) {
    if (before.adopted) return change(map.name, create, ['definition']);
    // What belongs to an object starts anew with each of its versions: there are no entries to protect.
    const allowed = map.object !== undefined || map.migrate === 'recreate';
    return change(map.name, allowed ? replace : 'refuse', ['definition']);
  }
  if (renewed.slots || before.slots.join() !== map.slots.join()) return change(map.name, replace, ['slots']);
  return change(map.name, 'keep');
}

/** Objects that must be loaded anew, each with the reasons that are known before maps are looked at. */
function findChangedObjects(
  desired: Desired,
  recorded: Ledger | undefined,
  observed: Observed,
): Map<string, Reason[]> {
  const changed = new Map<string, Reason[]>();
  const before = new Map(recorded?.objects.map((object) => [object.name, object]));
  for (const object of desired.objects) {
    const old = before.get(object.name);
    const reasons: Reason[] = [];
    if (old === undefined) reasons.push('new');
    else {
      if (old.object !== object.object) reasons.push('source');
      if (old.constants !== object.constants) reasons.push('constants');
      if (isDamaged(object.name, recorded, observed)) reasons.push('drift');
    }
    if (reasons.length > 0) changed.set(object.name, reasons);
  }
  return changed;
}

/** A program that lost its pin, or a map of the object that did: its programs no longer share what they should. */
function isDamaged(object: string, recorded: Ledger | undefined, observed: Observed): boolean {
  const programs = recorded?.programs.filter((program) => program.object === object) ?? [];
  const maps = recorded?.maps.filter((map) => map.object === object) ?? [];
  return (
    programs.some((program) => {
      const there = observed.programs.get(program.name);
      return there === undefined || there.id !== program.id || there.tag !== program.tag;
    }) || maps.some((map) => observed.maps.get(map.name)?.id !== map.id)
  );
}

/** What changed behind our back, in words, a line each. */
export function findDrift(recorded: Ledger | undefined, observed: Observed): string[] {
  const found: string[] = [];
  for (const program of recorded?.programs ?? []) {
    const there = observed.programs.get(program.name);
    if (there === undefined) found.push(`program ${program.name}: its pin is gone`);
    else if (there.id !== program.id)
      found.push(`program ${program.name}: another program (id ${there.id}) is pinned in its place`);
  }
  for (const map of recorded?.maps ?? []) {
    const there = observed.maps.get(map.name);
    if (there === undefined)
      found.push(`map ${map.name}: ${map.pin === undefined ? 'it is gone' : 'its pin is gone'}`);
    else if (there.id !== map.id)
      found.push(`map ${map.name}: another map (id ${there.id}) is pinned in its place`);
  }
  for (const link of recorded?.links ?? []) {
    const there = observed.links.get(link.id);
    if (there === undefined)
      found.push(`link ${link.id}: its pin is gone, so it is detached (${link.target})`);
    else if (there.severed) found.push(`link ${link.id}: what it was attached to is gone (${link.target})`);
    else if (there.kernelId !== link.kernelId)
      found.push(`link ${link.id}: another link (id ${there.kernelId}) is pinned in its place`);
    else if (there.programId !== link.programId)
      found.push(`link ${link.id}: it runs program id ${there.programId}, not ours (id ${link.programId})`);
  }
  return found;
}
