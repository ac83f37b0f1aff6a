import { checkPin } from '@nx-bpf/loader';
import { type RelocationCache } from '../cache';
import { Problems, type ProjectConfig } from '../manifest';
import { driftText, makePlan, type Desired, type Plan } from '../plan';
import { layoutOf, linkPin, observe, readLedger, type Deployment, type Layout, type Ledger } from '../state';
import { carryOut, entryOf, outsidePins } from './carry-out';
import { deploymentOf } from './deployment';
import { desiredState, wantedPlaces } from './desired';
import { Interruption } from './interruption';
import { lockProject } from './lock-project';
import { hasTarget } from './optional';
import { prepareObject, type CompiledObject, type PreparedObject } from './prepare';
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
}

export interface ApplyResult {
  readonly plan: Plan;
  readonly deployment: Deployment;
  /** How the relocation cache answered, by object. */
  readonly cache: Readonly<Record<string, 'hit' | 'miss' | 'off'>>;
}

/**
 * Makes the kernel what the manifest says. Every program passes the verifier before anything live is touched; then
 * links are switched one by one, and the rename of the ledger commits. A failure or a signal on the way undoes all of
 * it. Where everything is as it should be, nothing is changed.
 *
 * @throws BpfError MANIFEST_INVALID, MAP_INCOMPATIBLE, VERIFIER_REJECTED, ATTACH_CONFLICT, ...; ROLLBACK_INCOMPLETE if
 *   undoing failed too
 *
 * @example
 * ```ts
 * const cache = new RelocationCache('cache');
 * const { plan, deployment } = await apply({ config, objects, cache, note: console.log });
 * console.log(plan.empty ? 'nothing to do' : `generation ${plan.to}`, deployment.links);
 * ```
 */
export async function apply(input: ApplyInput): Promise<ApplyResult> {
  const { config, note } = input;
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  checkPin(layout.lock);
  const { objects, desired } = prepare(input, layout);
  const outside = outsidePins(layout, desired);
  for (const pin of outside) checkPin(pin);
  const undo = new Undo();
  return Interruption.guard((interruption) =>
    undo.guard(async () => {
      await lockProject(config, layout, { undo, interruption, note });
      const recorded = readLedger(layout.ledger);
      repair(input, layout, desired, recorded);
      const places = wantedPlaces(config, objects, desired);
      const plan = makePlan(desired, recorded, observe(layout, recorded, { outside, places }));
      for (const drift of plan.drift) note(`drift: ${driftText(drift)}`);
      refuseMaps(plan);
      const ledger = plan.empty
        ? recorded!
        : await carryOut({ config, note, layout, objects, desired, recorded, plan, interruption, undo });
      const cache = Object.fromEntries(objects.map((object) => [object.name, object.cache]));
      return { plan, deployment: deploymentOf(layout, ledger), cache };
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

/** Everything that needs neither the lock nor the kernel's state: objects relocated, the manifest held against them. */
function prepare(input: ApplyInput, layout: Layout): { objects: PreparedObject[]; desired: Desired } {
  const problems = new Problems();
  const objects = input.objects.flatMap((object) => {
    const prepared = prepareObject(input.config, object, { cache: input.cache, problems, note: input.note });
    return prepared === undefined ? [] : [prepared];
  });
  // With an object missing, what the manifest says of its maps cannot be judged.
  if (objects.length < input.objects.length) problems.throwIfAny();
  const all = desiredState(input.config, layout, objects, problems);
  problems.throwIfAny();
  const links = all.links.filter((link) => {
    const entry = entryOf(input.config, link.id);
    if (!entry.optional || hasTarget(entry)) return true;
    input.note(`link ${link.id} left out: ${link.target} is not there, and the entry is optional`);
    return false;
  });
  return { objects, desired: { ...all, links } };
}
