import { type RelocationCache } from '../cache';
import { type ProjectConfig } from '../manifest';
import { type Progress } from '../toolchain';
import { checkFresh, driftText, type Desired, type Plan, type SavedPlan } from '../plan';
import {
  isThere,
  layoutOf,
  linkPin,
  currentLedger,
  type Deployment,
  type Layout,
  type Ledger,
} from '../state';
import { carryOut } from './carry-out';
import { withChosenVariants } from './choose';
import { deploymentOf } from './deployment';
import { migrationText, type Migration } from './fill-maps';
import { Interruption } from './interruption';
import { takeLocks } from './locks';
import { planFor, prepare } from './make-plan';
import { type CompiledObject, type PreparedObject } from './prepare';
import { refuseMaps } from './refuse-maps';
import { tidy } from './tidy';
import { Undo } from './undo';

export interface ApplyInput {
  readonly config: ProjectConfig;
  /** The compiled objects of the manifest. */
  readonly objects: readonly CompiledObject[];
  readonly cache: RelocationCache;
  /** Told what people should know and no error is: a damaged cache entry, an optional target that is missing. */
  readonly note: (text: string) => void;
  /** Is told each object as it is loaded. */
  readonly progress?: Progress | undefined;
  /** Carry out exactly this plan, or nothing. */
  readonly saved?: SavedPlan | undefined;
}

export interface ApplyResult {
  readonly plan: Plan;
  readonly deployment: Deployment;
  /** How the relocation cache answered, by object. */
  readonly cache: Readonly<Record<string, 'hit' | 'miss' | 'off'>>;
  /** What became of the entries of maps whose definition changed. */
  readonly migrations: readonly Migration[];
}

/**
 * Makes the kernel what the manifest says. Every program passes the verifier before anything live is touched; then
 * links are switched one by one, and the rename of the ledger commits. A failure or a signal on the way undoes all of
 * it. Where everything is as it should be, nothing is changed.
 *
 * @throws BpfError MANIFEST_INVALID, MAP_INCOMPATIBLE, VERIFIER_REJECTED, ATTACH_CONFLICT, ...; PLAN_STALE; ROLLED_BACK
 *   if something that ran had been switched and is back; ROLLBACK_INCOMPLETE if undoing failed too
 *
 * @example
 * ```ts
 * const cache = new RelocationCache('cache');
 * const { plan, deployment } = await apply({ config, objects, cache, note: console.log });
 * console.log(plan.empty ? 'nothing to do' : `generation ${plan.to}`, deployment.links);
 * ```
 */
export async function apply(given: ApplyInput): Promise<ApplyResult> {
  const input = withChosenVariants(given);
  const { config, note, progress } = input;
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  const prepared = prepare(input, layout);
  const { objects, desired, wishes } = prepared;
  // A manifest without programs, or whose optional ones are all left out, deploys nothing: there is nothing to lock.
  if (asksForNothing(desired) && !isThere(layout.base)) {
    const { plan, basis } = planFor(input, layout, prepared, undefined);
    if (input.saved !== undefined) checkFresh(input.saved, plan, basis);
    return { plan, deployment: nothing(config), cache: answers(objects), migrations: [] };
  }
  const undo = new Undo();
  return Interruption.guard((interruption) =>
    undo.guard(async () => {
      const shares = desired.maps.some(({ shared }) => shared);
      await takeLocks(config, layout, shares, { undo, interruption, note });
      const recorded = currentLedger(layout);
      repair(input, layout, desired, recorded);
      const { plan, basis } = planFor(input, layout, prepared, recorded);
      if (input.saved !== undefined) checkFresh(input.saved, plan, basis);
      for (const drift of plan.drift) note(`drift: ${driftText(drift)}`);
      refuseMaps(plan);
      const work = {
        config,
        note,
        progress,
        layout,
        objects,
        desired,
        wishes,
        recorded,
        plan,
        interruption,
        undo,
      };
      const { ledger, migrations } = plan.empty ? { ledger: recorded, migrations: [] } : await carryOut(work);
      for (const migration of migrations) note(migrationText(migration));
      const deployment = ledger === undefined ? nothing(config) : deploymentOf(layout, ledger);
      return { plan, deployment, cache: answers(objects), migrations };
    }),
  );
}

/** What an apply left that was killed goes first, but for links: those that are wanted run until they are replaced. */
function repair(
  { config, note }: ApplyInput,
  layout: Layout,
  desired: Desired,
  recorded: Ledger | undefined,
): void {
  const wanted = new Set(desired.links.map(({ id }) => linkPin(layout, id)));
  const removed = tidy(layout, recorded, config.deploy.keepGenerations, wanted);
  if (removed.length > 0) note(`removed what was left by an apply that was killed: ${removed.join(', ')}`);
}

function answers(objects: readonly PreparedObject[]): ApplyResult['cache'] {
  return Object.fromEntries(objects.map(({ name, cache }) => [name, cache]));
}

function asksForNothing({ programs, maps, links }: Desired): boolean {
  return programs.length + maps.length + links.length === 0;
}

function nothing({ project, environment }: ProjectConfig): Deployment {
  return { project, environment, generation: 0, programs: [], maps: [], links: [] };
}
