import fs from 'node:fs';
import path from 'node:path';
import { type ProjectConfig } from '../manifest';
import {
  isInside,
  isThere,
  layoutOf,
  linkPin,
  readLedger,
  removeIfEmpty,
  removeOutsidePin,
  type Deployment,
  type Layout,
  type Ledger,
} from '../state';
import { deploymentOf } from './deployment';
import { Interruption } from './interruption';
import { lockProject } from './lock-project';
import { tidy } from './tidy';
import { Undo } from './undo';

/**
 * Takes out of the kernel what apply put there for a project and environment, links first, and nothing else: what
 * the ledger names, and the directories that are ours by their place.
 *
 * @returns what was there, undefined if nothing was
 * @throws BpfError LOCK_TIMEOUT, STATE_INVALID, PRIVILEGE_MISSING, INTERRUPTED while it waits for the lock
 *
 * @example
 * ```ts
 * const removed = await destroy(config, console.log);
 * console.log(removed === undefined ? 'nothing was deployed' : removed.links);
 * ```
 */
export async function destroy(
  config: ProjectConfig,
  note: (text: string) => void,
): Promise<Deployment | undefined> {
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  if (!isThere(layout.base)) {
    // An apply may have been killed as it was making the first directory.
    removeDirectories(layout);
    return undefined;
  }
  const undo = new Undo();
  // A signal does not end it half way: once the lock is there, all of it is one piece of work.
  return Interruption.guard((interruption) =>
    undo.guard(async () => {
      await lockProject(config, layout, { undo, interruption, note });
      const ledger = readLedger(layout.ledger);
      if (ledger !== undefined) removeNamed(layout, ledger);
      fs.rmSync(layout.current, { force: true });
      tidy(layout, undefined, 0);
      removeDirectories(layout);
      return ledger === undefined ? undefined : deploymentOf(layout, ledger);
    }),
  );
}

/** Links, then the pins that only the ledger knows of, then the ledger: killed before that, it can be done again. */
function removeNamed(layout: Layout, ledger: Ledger): void {
  for (const { id } of ledger.links) fs.rmSync(linkPin(layout, id), { force: true });
  for (const { pin, id, adopted } of ledger.maps) {
    if (pin !== undefined && !adopted && !isInside(layout, pin)) removeOutsidePin({ pin, id });
  }
  fs.rmSync(layout.ledger, { force: true });
}

/** Directories above the project's go if nothing else is in them. */
function removeDirectories({ links, maps, generations, lock, base, root }: Layout): void {
  for (const place of [links, maps, generations, lock, base, path.dirname(base), root]) removeIfEmpty(place);
}
