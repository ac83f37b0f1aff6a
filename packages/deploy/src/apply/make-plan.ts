import { checkPin, kernelIdentity } from '@nx-bpf/loader';
import { Problems } from '../manifest';
import { basisOf, makePlan, type Basis, type Desired, type Plan } from '../plan';
import { observe, type Layout, type Ledger } from '../state';
import { type ApplyInput } from './apply';
import { outsidePins } from './carry-out';
import { desiredState, wantedPlaces } from './desired';
import { examineMaps, mapWishes, type MapWishes } from './examine-maps';
import { hasTarget } from './optional';
import { prepareObject, type PreparedObject } from './prepare';

/** What is to be deployed: objects relocated, the manifest held against them. */
export interface Prepared {
  readonly objects: readonly PreparedObject[];
  readonly desired: Desired;
  readonly wishes: MapWishes;
  /** Pins outside of the project's directory that are wanted. */
  readonly outside: readonly string[];
}

/**
 * Everything that needs neither the lock nor the kernel's state.
 *
 * @throws BpfError MANIFEST_INVALID, NO_BPFFS, and what is wrong with an object
 */
export function prepare(input: ApplyInput, layout: Layout): Prepared {
  checkPin(layout.lock);
  const problems = new Problems();
  const objects = input.objects.flatMap((object) => {
    const prepared = prepareObject(input.config, object, { cache: input.cache, problems, note: input.note });
    return prepared === undefined ? [] : [prepared];
  });
  // With an object missing, what the manifest says of its maps cannot be judged.
  if (objects.length < input.objects.length) problems.throwIfAny();
  const all = desiredState(input.config, layout, objects, problems);
  const wishes = mapWishes(input.config, objects, all, problems);
  problems.throwIfAny();
  const links = all.links.filter((link) => {
    if (!link.entry.optional || hasTarget(link.entry)) return true;
    input.note(`link ${link.id} left out: ${link.target} is not there, and the entry is optional`);
    return false;
  });
  const desired = { ...all, links };
  const outside = outsidePins(layout, desired);
  for (const pin of outside) checkPin(pin);
  return { objects, desired, wishes, outside };
}

/** The plan for what the kernel holds now, and the facts it is made from. Changes nothing. */
export function planFor(
  { config }: ApplyInput,
  layout: Layout,
  { objects, desired, wishes, outside }: Prepared,
  recorded: Ledger | undefined,
): { readonly plan: Plan; readonly basis: Basis } {
  const observed = observe(layout, recorded, {
    outside,
    places: wantedPlaces(objects, desired),
  });
  const findings = examineMaps({ config, layout, objects, desired, wishes, recorded });
  return {
    plan: makePlan(desired, recorded, observed, findings),
    basis: basisOf(desired, recorded, observed, { kernel: kernelIdentity().buildId ?? '', findings }),
  };
}
