import { type ProjectConfig } from '../manifest';
import { type Plan } from '../plan';
import { isThere, layoutOf, currentLedger } from '../state';
import { Interruption } from './interruption';
import { takeLocks } from './locks';
import { restore } from './restore';
import { inspectAll } from './status';
import { tidy } from './tidy';
import { Undo } from './undo';

export interface RepairResult {
  /** Pins that something that was killed had left, absolute. */
  readonly removed: readonly string[];
  /** What was made again; undefined if all was there. */
  readonly plan: Plan | undefined;
}

/**
 * Brings a deployment that was interrupted or damaged back to what its ledger says, from what is still in the kernel:
 * pins that were removed, links that were detached or run another program. Nothing is compiled or loaded.
 *
 * What programs of others do at the same hooks stays as it is, and is still drift afterwards.
 *
 * @throws BpfError GENERATION_UNAVAILABLE if a program or a map is gone for good: then apply builds it anew
 *
 * @example
 * ```ts
 * const { removed, plan } = await repair(config, console.log);
 * console.log(removed, plan?.links);
 * ```
 */
export async function repair(config: ProjectConfig, note: (text: string) => void): Promise<RepairResult> {
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  if (!isThere(layout.base)) return { removed: [], plan: undefined };
  const undo = new Undo();
  return Interruption.guard((interruption) =>
    undo.guard(async () => {
      await takeLocks(config, layout, false, { undo, interruption, note });
      const ledger = currentLedger(layout);
      const removed = tidy(layout, ledger, config.deploy.keepGenerations);
      if (ledger === undefined || inspectAll(layout, ledger).drift.every(({ kind }) => kind === 'hook')) {
        return { removed, plan: undefined };
      }
      const { plan } = await restore({
        config,
        layout,
        target: ledger,
        current: ledger,
        interruption,
        undo,
        note,
      });
      return { removed, plan };
    }),
  );
}
