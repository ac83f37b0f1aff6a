import { savePlan, type Plan, type SavedPlan } from '../plan';
import { layoutOf, currentLedger, isThere } from '../state';
import { type ApplyInput } from './apply';
import { withChosenVariants } from './choose';
import { loadPrograms, type Live } from './load-programs';
import { planFor, prepare } from './make-plan';
import { Undo } from './undo';

/**
 * What `apply` would do now. Changes nothing and takes no lock; with `verify` every program that is new or changed is
 * loaded, and let go again, so that the plan knows what the verifier makes of it.
 *
 * @throws BpfError MANIFEST_INVALID, STATE_INVALID; with `verify` VERIFIER_REJECTED, PRIVILEGE_MISSING, ...
 *
 * @example
 * ```ts
 * const { plan } = await planProject({ config, objects, cache: new RelocationCache('cache'), note: console.log });
 * console.log(plan.empty ? 'nothing to do' : plan.programs);
 * ```
 */
export async function planProject(
  given: Omit<ApplyInput, 'saved'> & { readonly verify?: boolean | undefined },
): Promise<SavedPlan> {
  const input = withChosenVariants(given);
  const { config, note } = input;
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  const prepared = prepare(input, layout);
  const recorded = isThere(layout.base) ? currentLedger(layout) : undefined;
  const { plan, basis } = planFor(input, layout, prepared, recorded);
  // A map that is refused is not made: its programs would be given the one that is there.
  const refused = plan.maps.some(({ action }) => action === 'refuse');
  if (input.verify !== true || refused) return savePlan(plan, basis);
  const undo = new Undo();
  return undo.guard(async () => {
    const { objects, desired } = prepared;
    const live = loadPrograms({ layout, plan, recorded, objects, desired, note }, undo);
    return Promise.resolve(savePlan(withVerified(plan, live), basis));
  });
}

function withVerified(plan: Plan, live: Live): Plan {
  return {
    ...plan,
    programs: plan.programs.map((change) => {
      const verified = live.programs.get(change.name)?.info.verifiedInsns ?? 0;
      return verified === 0
        ? change
        : { ...change, verified: { before: change.verified.before, after: verified } };
    }),
  };
}
