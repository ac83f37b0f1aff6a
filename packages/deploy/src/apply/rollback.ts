import { BpfError } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import { type Plan } from '../plan';
import {
  generationLedger,
  isThere,
  keptGenerations,
  layoutOf,
  currentLedger,
  readLedger,
  type Deployment,
  type Layout,
  type Ledger,
} from '../state';
import { deploymentOf } from './deployment';
import { Interruption } from './interruption';
import { takeLocks } from './locks';
import { restore } from './restore';
import { tidy } from './tidy';
import { Undo } from './undo';

export interface RollbackResult {
  /** The generation that was left, and the one whose programs, maps and links are there again. */
  readonly from: number;
  readonly to: number;
  readonly plan: Plan;
  /** Under a number of its own: a rollback is a generation like every other. */
  readonly deployment: Deployment;
}

/**
 * Goes back to a generation that was there before: its programs are still pinned, and so are the maps that later ones
 * replaced, with what they held then. Links are switched as an apply does it. Nothing is compiled or loaded, and the
 * manifest says only where to look. A failure or a signal on the way undoes all of it.
 *
 * @param options.to its number; by default the one before
 * @throws BpfError GENERATION_UNAVAILABLE if it is not kept, or something of it is gone; LOCK_TIMEOUT, ATTACH_FAILED, ...;
 *   ROLLED_BACK, ROLLBACK_INCOMPLETE as `apply`
 *
 * @example
 * ```ts
 * const { from, to, deployment } = await rollback(config, { note: console.log });
 * console.log(`from ${from} to ${to}, as generation ${deployment.generation}`);
 * ```
 */
export async function rollback(
  config: ProjectConfig,
  { to, note }: { readonly to?: number | undefined; readonly note: (text: string) => void },
): Promise<RollbackResult> {
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  if (!isThere(layout.base)) throw notDeployed(config);
  const undo = new Undo();
  return Interruption.guard((interruption) =>
    undo.guard(async () => {
      await takeLocks(config, layout, false, { undo, interruption, note });
      const current = currentLedger(layout);
      if (current === undefined) throw notDeployed(config);
      tidy(layout, current, config.deploy.keepGenerations);
      const target = targetLedger(layout, current, to);
      const { plan, ledger } = await restore({ config, layout, target, current, interruption, undo, note });
      return {
        from: current.generation,
        to: target.generation,
        plan,
        deployment: deploymentOf(layout, ledger),
      };
    }),
  );
}

function targetLedger(layout: Layout, current: Ledger, to: number | undefined): Ledger {
  const kept = keptGenerations(layout).filter((generation) => generation < current.generation);
  const wanted = to ?? kept.at(-1);
  const ledger =
    wanted === undefined || !kept.includes(wanted) ? undefined : readLedger(generationLedger(layout, wanted));
  if (ledger !== undefined) return ledger;
  throw new BpfError(
    'GENERATION_UNAVAILABLE',
    wanted === undefined
      ? `there is no generation before ${current.generation} to go back to`
      : `there is no generation ${wanted} to go back to`,
    {
      found: kept.length === 0 ? 'none' : kept.join(', '),
      hint: 'deploy.keepGenerations in the manifest says how many are kept',
    },
  );
}

function notDeployed({ project, environment }: ProjectConfig): BpfError {
  return new BpfError('GENERATION_UNAVAILABLE', `nothing is deployed for ${project}/${environment}`, {});
}
