import { namedBy, type ProjectConfig } from '../manifest';
import { exclusivePlace, findDrift, planLinks, type DesiredLink, type Plan, type Reason } from '../plan';
import { attachPoints, noteOutsidePins, observe, type Layout, type Ledger, type LedgerLink } from '../state';
import { movingPins, pinMaps, switchLinks } from './carry-out';
import { commitGeneration } from './generation';
import { type Interruption } from './interruption';
import { recordOf, type LiveLink } from './links';
import { type Live } from './load-programs';
import { keepLostMaps } from './lost-maps';
import { openGeneration, withCopies } from './open-generation';
import { hasTarget } from './optional';
import { makeDirectories } from './pins';
import { refuseShared } from './refuse-shared';
import { isUpdatable, runnableId } from './runnable';
import { type Undo } from './undo';

export interface RestoreWork {
  readonly config: ProjectConfig;
  readonly layout: Layout;
  /** The generation that is to be there again. */
  readonly target: Ledger;
  /** The one that is there; the same as `target` where it is repaired. */
  readonly current: Ledger;
  readonly interruption: Interruption;
  readonly undo: Undo;
  readonly note: (text: string) => void;
}

/**
 * Makes the kernel hold again what a ledger says, from what is still there: no object is loaded, links are switched as
 * an apply does, and the rename of a new ledger commits. Killed on the way it leaves what an apply that is killed
 * leaves.
 *
 * @returns what changed, and the ledger of the new generation
 * @throws BpfError GENERATION_UNAVAILABLE if a program or a map is gone, MAP_INCOMPATIBLE if projects share another map
 */
export async function restore(work: RestoreWork): Promise<{ plan: Plan; ledger: Ledger }> {
  const { config, layout, current, interruption, undo } = work;
  const { mode } = config.pin;
  const recorded = withTargets(work);
  refuseShared(layout, recorded);
  const live = openGeneration(layout, recorded, undo);
  const target = withCopies(recorded, live);
  const plan = planRestore(work, target, live);
  await interruption.checkpoint();

  const wanted = { maps: target.maps, links: target.links };
  const switching = { ...work, desired: wanted, recorded: current, plan };
  noteOutsidePins(layout, movingPins(switching, live));
  undo.push('remove the note of outside pins', () => noteOutsidePins(layout, []));
  keepLostMaps(layout, current, live, mode, undo);
  pinMaps(switching, live);
  makeDirectories(layout.links, mode, undo);
  const links = await switchLinks(switching, live);

  const ledger = restoredLedger(work, target, plan.to, live, links);
  commitGeneration(work, ledger, live);
  return { plan, ledger };
}

/** The ledger that is to be true again, but for optional links whose target is not there: as an apply leaves them out. */
function withTargets({ target, note }: RestoreWork): Ledger {
  const links = target.links.filter(({ id, entry, target: place }) => {
    if (!entry.optional || hasTarget(entry)) return true;
    note(`link ${id} left out: ${place} is not there, and the entry is optional`);
    return false;
  });
  return { ...target, links };
}

/** Whether the generation that is there is made whole, and not another one put in its place. */
function repairs({ target, current }: RestoreWork): boolean {
  return target === current;
}

function restoredLedger(
  work: RestoreWork,
  target: Ledger,
  generation: number,
  live: Live,
  links: ReadonlyMap<string, LiveLink>,
): Ledger {
  const { current } = work;
  const neighbours = attachPoints(
    target.links.map(({ id, entry, program }) => ({
      id,
      entry,
      attachType: live.programs.get(program)?.attachType ?? 0,
    })),
  );
  return {
    ...target,
    generation,
    rolledBackFrom: repairs(work) ? current.rolledBackFrom : current.generation,
    committed: new Date().toISOString(),
    links: target.links.map((recorded): LedgerLink => {
      const made = links.get(recorded.id)!;
      return {
        ...recorded,
        target: made.target,
        ...recordOf(made),
        programId: runnableId(live, recorded),
        neighbours: neighbours.get(recorded.id)?.programIds ?? null,
      };
    }),
  };
}

function planRestore(work: RestoreWork, target: Ledger, live: Live): Plan {
  const { layout, current } = work;
  const reasons: readonly Reason[] = [repairs(work) ? 'drift' : 'rollback'];
  const observed = observe(layout, current);
  const idsOf = (list: readonly { readonly name: string; readonly id: number }[]): Map<string, number> =>
    new Map(list.map(({ name, id }) => [name, id]));
  const action = (
    before: ReadonlyMap<string, number>,
    after: { readonly name: string; readonly id: number },
  ): 'create' | 'keep' | 'replace' => {
    const id = before.get(after.name);
    return id === undefined ? 'create' : id === after.id ? 'keep' : 'replace';
  };
  const gone = <T extends { readonly name: string }>(before: readonly T[], after: readonly T[]): T[] =>
    before.filter(({ name }) => !after.some((each) => each.name === name));
  const known = (verified: number): number | null => (verified === 0 ? null : verified);

  const before = new Map(current.programs.map((program) => [program.name, program]));
  const ids = idsOf(current.programs);
  const programs: Plan['programs'] = [
    ...target.programs.map((program) => {
      const old = before.get(program.name);
      const what = action(ids, program);
      return {
        name: program.name,
        action: what,
        reasons: what === 'keep' ? [] : reasons,
        object: program.object,
        type: program.type,
        insns: { before: old?.insns ?? null, after: program.insns },
        verified: { before: old === undefined ? null : known(old.verified), after: known(program.verified) },
      };
    }),
    ...gone(current.programs, target.programs).map(({ name, object, type, insns, verified }) => ({
      name,
      action: 'remove' as const,
      reasons,
      object,
      type,
      insns: { before: insns, after: null },
      verified: { before: known(verified), after: null },
    })),
  ];
  const mapIds = idsOf(current.maps);
  const maps: Plan['maps'] = [
    ...target.maps.map((map) => {
      const what = action(mapIds, map);
      const repinned = what === 'keep' && live.maps.get(map.name)?.fresh === true;
      return {
        name: map.name,
        action: repinned ? ('replace' as const) : what,
        reasons: what === 'keep' && !repinned ? [] : reasons,
        type: map.type,
        differences: [],
        contents: null,
        window: null,
        problems: [],
      };
    }),
    ...gone(current.maps, target.maps).map(({ name, type }) => ({
      name,
      action: 'remove' as const,
      reasons,
      type,
      differences: [],
      contents: null,
      window: null,
      problems: [],
    })),
  ];
  const links = planLinks({ links: target.links.map(wantedLink) }, current, observed, { programs, maps });
  const sorted = <T extends { readonly name: string }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    formatVersion: 1,
    project: target.project,
    environment: target.environment,
    from: current.generation,
    to: current.generation + 1,
    programs: sorted(programs),
    maps: sorted(maps),
    links: sorted(links),
    variants: [],
    drift: findDrift(current, observed),
    foreign: [],
    sideBySide: links.filter(({ action: each }) => each !== 'keep').length > 1,
    capabilities: [],
    empty: false,
  };
}

function wantedLink({ id, program, hook, target, spec, entry }: LedgerLink): DesiredLink {
  return {
    id,
    program,
    hook: hook as DesiredLink['hook'],
    target,
    spec,
    updatable: isUpdatable(entry),
    replace: entry.replace,
    exclusive: exclusivePlace(entry),
    uses: { maps: namedBy(entry, 'map'), programs: namedBy(entry, 'program') },
    entry,
    // Its programs are loaded already.
    replaces: null,
    capabilities: [],
  };
}
