import { type Ledger, type Observed } from '../state';
import { type Desired } from './desired';

/** Why something changes. */
export type Reason =
  'new' | 'source' | 'constants' | 'map' | 'definition' | 'program' | 'target' | 'drift' | 'unused';

export interface Change<Action extends string = string> {
  readonly name: string;
  readonly action: Action;
  readonly reasons: readonly Reason[];
}

export type ProgramChange = Change<'create' | 'keep' | 'replace' | 'remove'>;
export type MapChange = Change<'create' | 'keep' | 'replace' | 'remove' | 'refuse'>;
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
 *
 * @example
 * ```ts
 * const plan = makePlan(desired, recorded, observed);
 * for (const { name, action, reasons } of plan.programs) console.log(action, name, reasons);
 * ```
 */
export function makePlan(desired: Desired, recorded: Ledger | undefined, observed: Observed): Plan {
  const drift = findDrift(recorded, observed);
  const changedObjects = findChangedObjects(desired, recorded, observed);

  const recordedMaps = new Map(recorded?.maps.map((map) => [map.name, map]));
  const maps = desired.maps.map((map): MapChange => {
    const before = recordedMaps.get(map.name);
    if (before === undefined) return change(map.name, 'create', ['new']);
    if (!sameMap(before.id, observed.maps.get(map.name))) return change(map.name, 'create', ['drift']);
    if (map.data !== undefined) {
      const reasons = changedObjects.get(map.data);
      return reasons === undefined ? change(map.name, 'keep') : change(map.name, 'replace', reasons);
    }
    if (before.abi !== map.abi || before.pin !== map.pin) {
      return change(map.name, map.migrate === 'recreate' ? 'replace' : 'refuse', ['definition']);
    }
    return change(map.name, 'keep');
  });
  const freshMaps = new Set(maps.filter((map) => map.action !== 'keep').map((map) => map.name));

  // A fresh map reaches every program of every object that uses it: they share the object's other data.
  for (const program of desired.programs) {
    if (changedObjects.has(program.object)) continue;
    if (program.maps.some((name) => freshMaps.has(name))) changedObjects.set(program.object, ['map']);
  }
  const allMaps = maps.map((map): MapChange => {
    const owner = desired.maps.find((entry) => entry.name === map.name)?.data;
    const reasons = owner === undefined ? undefined : changedObjects.get(owner);
    return map.action === 'keep' && reasons !== undefined ? change(map.name, 'replace', reasons) : map;
  });

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
    maps: sorted([...allMaps, ...gone<{ name: string }>(recorded?.maps, desired.maps).map(remove)]),
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

function sameMap(id: number, there: { readonly id: number } | undefined): boolean {
  return there !== undefined && there.id === id;
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

/** A program that lost its pin, or a data map that did: the object's programs no longer share what they should. */
function isDamaged(object: string, recorded: Ledger | undefined, observed: Observed): boolean {
  const programs = recorded?.programs.filter((program) => program.object === object) ?? [];
  const maps = recorded?.maps.filter((map) => map.data === object) ?? [];
  return (
    programs.some((program) => {
      const there = observed.programs.get(program.name);
      return there === undefined || there.id !== program.id || there.tag !== program.tag;
    }) || maps.some((map) => !sameMap(map.id, observed.maps.get(map.name)))
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
