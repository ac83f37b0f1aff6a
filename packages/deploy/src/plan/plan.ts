import { noFindings, type MapFindings } from '../maps';
import { type Ledger, type Observed } from '../state';
import { type Foreign, type LinkChange, type MapChange, type Plan, type ProgramChange } from './change';
import { type Desired } from './desired';
import { findDrift } from './drift';
import { planLinks } from './plan-links';
import { planMaps } from './plan-maps';

/**
 * Compares what is wanted, what was recorded and what is there. Pure: no clock, no kernel.
 *
 * The unit of replacement is the object, since its programs share its data sections: a changed object is loaded
 * anew as a whole, with fresh data maps, while maps that objects share by name stay as long as their definition does.
 * So is a prog array that the object's programs are in: one that runs is never refilled, as an old entry program would
 * then call new ones.
 *
 * @param findings what is in the maps that are there; by default nothing is known of it
 *
 * @example
 * ```ts
 * const plan = makePlan(desired, recorded, observed);
 * for (const { name, action, reasons } of plan.programs) console.log(action, name, reasons);
 * ```
 */
export function makePlan(
  desired: Desired,
  recorded: Ledger | undefined,
  observed: Observed,
  findings: MapFindings = noFindings,
): Plan {
  const { maps, changedObjects } = planMaps(desired, recorded, observed, findings);
  const programs = planPrograms(desired, recorded, changedObjects);
  const links = sorted(planLinks(desired, recorded, observed, { programs, maps }));
  const all = {
    programs: sorted(programs),
    maps: sorted([...maps.map((map) => withWindow(map, links)), ...removedMaps(desired, recorded)]),
    links,
  };
  const empty = [...all.programs, ...all.maps, ...all.links].every((entry) => entry.action === 'keep');
  const from = recorded?.generation ?? 0;
  return {
    formatVersion: 1,
    project: desired.project,
    environment: desired.environment,
    from,
    to: empty ? from : from + 1,
    ...all,
    variants: desired.variants,
    drift: findDrift(recorded, observed),
    foreign: findForeign(desired, recorded, observed),
    sideBySide: all.links.filter(({ action }) => action !== 'keep').length > 1 && from > 0,
    capabilities: empty ? [] : neededCapabilities(desired, all),
    empty,
  };
}

/** A map's old programs must be gone before what they counted last is read: with a link that overlaps they are not. */
function withWindow(map: MapChange, links: readonly LinkChange[]): MapChange {
  const slow = links.find(({ switch: how, action }) => how === 'overlap' || action === 'remove');
  if (map.action !== 'migrate' || slow === undefined) return map;
  const window = `link ${slow.name} goes last: what its program writes to the old map after the second sweep is lost`;
  return { ...map, window: map.window === null ? window : `${map.window}; ${window}` };
}

function planPrograms(
  desired: Desired,
  recorded: Ledger | undefined,
  changedObjects: ReturnType<typeof planMaps>['changedObjects'],
): ProgramChange[] {
  const before = new Map(recorded?.programs.map((program) => [program.name, program]));
  const wanted = new Set(desired.programs.map(({ name }) => name));
  const known = (verified: number): number | null => (verified === 0 ? null : verified);
  const planned = desired.programs.map((program): ProgramChange => {
    const old = before.get(program.name);
    const reasons =
      old === undefined
        ? (['new'] as const)
        : (changedObjects.get(program.object) ??
          (old.object !== program.object || old.function !== program.function ? (['source'] as const) : []));
    const action = old === undefined ? 'create' : reasons.length > 0 ? 'replace' : 'keep';
    const verified = old === undefined ? null : known(old.verified);
    return {
      name: program.name,
      action,
      reasons,
      object: program.object,
      type: program.type,
      insns: { before: old?.insns ?? null, after: program.insns },
      verified: { before: verified, after: action === 'keep' ? verified : null },
    };
  });
  const removed = (recorded?.programs ?? [])
    .filter(({ name }) => !wanted.has(name))
    .map(({ name, object, type, insns, verified }): ProgramChange => ({
      name,
      action: 'remove',
      reasons: ['unused'],
      object,
      type,
      insns: { before: insns, after: null },
      verified: { before: known(verified), after: null },
    }));
  return [...planned, ...removed];
}

function removedMaps(desired: Desired, recorded: Ledger | undefined): MapChange[] {
  const wanted = new Set(desired.maps.map(({ name }) => name));
  return (recorded?.maps ?? [])
    .filter(({ name }) => !wanted.has(name))
    .map(({ name, type, protect }) => ({
      name,
      action: protect ? 'refuse' : 'remove',
      reasons: protect ? ['unused', 'protected'] : ['unused'],
      type,
      differences: [],
      contents: null,
      window: null,
      problems: protect ? ['it is protected, and the manifest no longer has it'] : [],
    }));
}

/** Programs at our hooks that are not of this deployment. */
function findForeign(desired: Desired, recorded: Ledger | undefined, observed: Observed): Foreign[] {
  const known = new Map(recorded?.links.map((link) => [link.id, link.programId]));
  const ours = new Set([...(recorded?.programs.map(({ id }) => id) ?? []), ...known.values()]);
  return desired.links.flatMap((link): Foreign[] => {
    const there = observed.attachPoints.get(link.id)?.programIds ?? [];
    const own = there.indexOf(known.get(link.id) ?? -1);
    return there.flatMap((programId, at): Foreign[] => {
      if (ours.has(programId)) return [];
      const place = own < 0 ? 'beside' : at < own ? 'before' : 'after';
      return [
        {
          link: link.id,
          target: link.target,
          programId,
          programName: observed.programNames.get(programId) ?? null,
          runs: link.exclusive === null ? place : 'alone',
        },
      ];
    });
  });
}

function neededCapabilities(
  desired: Desired,
  plan: { readonly programs: readonly ProgramChange[]; readonly links: readonly LinkChange[] },
): string[] {
  const kept = (list: readonly { readonly name: string; readonly action: string }[]): Set<string> =>
    new Set(list.filter(({ action }) => action === 'keep').map(({ name }) => name));
  const keptPrograms = kept(plan.programs);
  const keptLinks = kept(plan.links);
  return [
    ...new Set([
      'CAP_BPF',
      ...desired.programs.filter(({ name }) => !keptPrograms.has(name)).flatMap((each) => each.capabilities),
      ...desired.links.filter(({ id }) => !keptLinks.has(id)).flatMap((each) => each.capabilities),
    ]),
  ].sort();
}

function sorted<T extends { readonly name: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
