import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import {
  isInside,
  isUsedElsewhere,
  isThere,
  isUnlinked,
  notedPlaces,
  removeNoted,
  layoutOf,
  linkPin,
  currentLedger,
  removeIfEmpty,
  removeOutsidePin,
  removeSharedDirectories,
  type Deployment,
  type Layout,
  type Ledger,
} from '../state';
import { deploymentOf } from './deployment';
import { removeHeld } from './held';
import { Interruption } from './interruption';
import { takeLocks } from './locks';
import { tidy } from './tidy';
import { Undo } from './undo';

/**
 * Takes out of the kernel what apply put there for a project and environment, links first, and nothing else: what
 * the ledger names, and the directories that are ours by their place.
 *
 * @param options.force protected maps too
 * @returns what was there, undefined if nothing was
 * @throws BpfError MAP_PROTECTED, before anything is removed, LOCK_TIMEOUT, STATE_INVALID, PRIVILEGE_MISSING, INTERRUPTED while it waits for the lock
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
  { force = false }: { readonly force?: boolean | undefined } = {},
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
      await takeLocks(config, layout, false, { undo, interruption, note });
      const ledger = currentLedger(layout);
      if (ledger !== undefined) {
        if (!force) checkProtected(ledger);
        removeNamed(layout, ledger);
      }
      fs.rmSync(layout.current, { force: true });
      tidy(layout, undefined, 0);
      removeSharedDirectories(layout);
      removeDirectories(layout);
      return ledger === undefined ? undefined : deploymentOf(layout, ledger);
    }),
  );
}

function checkProtected({ maps }: Ledger): void {
  const names = maps.filter(({ protect }) => protect).map(({ name }) => name);
  if (names.length === 0) return;
  const [several, are] = names.length > 1 ? ['maps', 'are'] : ['map', 'is'];
  const quoted = names.map((name) => `'${name}'`).join(', ');
  throw new BpfError('MAP_PROTECTED', `${several} ${quoted} ${are} protected`, {
    map: names[0],
    hint: 'nothing was removed; force it to remove them with what they hold, or take `protect` out of the manifest and apply',
  });
}

/** Links, then the pins that only the ledger knows of, then the ledger: killed before that, it can be done again. */
function removeNamed(layout: Layout, ledger: Ledger): void {
  for (const link of ledger.links) {
    const pin = linkPin(layout, link.id);
    if (isUnlinked(link.hook)) removeNoted(notedPlaces(pin, link), []);
    removeHeld(pin);
  }
  for (const { pin, id, adopted } of ledger.maps) {
    if (pin === undefined || adopted || isInside(layout, pin) || isUsedElsewhere(layout, pin)) continue;
    removeOutsidePin({ pin, id });
  }
  // First what the ledger could be found by if its pin were gone: destroyed is destroyed.
  fs.rmSync(layout.current, { force: true });
  fs.rmSync(layout.ledger, { force: true });
}

/** Directories above the project's go if nothing else is in them. */
function removeDirectories({ links, maps, generations, lock, base, root }: Layout): void {
  for (const place of [links, maps, generations, lock, base, path.dirname(base), root]) removeIfEmpty(place);
}
