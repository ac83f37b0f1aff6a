import fs from 'node:fs';
import path from 'node:path';
import { isThere, removeIfEmpty } from './directories';
import { currentLedger } from './ledger-map';
import { sharedName } from '../manifest';
import { layoutOf, sharedBase, type Layout } from './layout';

/** A use of a map that projects share, as a project's ledger says it. */
export interface SharedUse {
  readonly project: string;
  /** Where the map is pinned. */
  readonly pin: string;
  readonly abi: string;
}

/**
 * Which other projects use the maps that this environment's projects share. It is read from their ledgers: what is
 * committed there is what counts, and nothing is written down twice. Whoever holds the lock of the shared maps sees
 * no ledger change that has to do with them.
 *
 * @throws BpfError STATE_INVALID for a ledger that is not one
 */
export function sharedUses(layout: Layout): SharedUse[] {
  const inside = `${sharedBase(layout)}/`;
  return projectsIn(layout.root)
    .filter((project) => project !== layout.project && project !== sharedName)
    .flatMap((project) => {
      const ledger = currentLedger(layoutOf(layout.root, project, layout.environment));
      return (ledger?.maps ?? []).flatMap(({ pin, abi }) =>
        pin?.startsWith(inside) === true ? [{ project, pin, abi }] : [],
      );
    });
}

function projectsIn(root: string): string[] {
  try {
    return fs
      .readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Whether a pin is that of a shared map which another project uses too: then it stays. */
export function isUsedElsewhere(layout: Layout, pin: string): boolean {
  return pin.startsWith(`${sharedBase(layout)}/`) && sharedUses(layout).some((use) => use.pin === pin);
}

/** Removes the directories of shared maps if nothing is in them. */
export function removeSharedDirectories(layout: Layout): void {
  const base = sharedBase(layout);
  // Waiting for the lock in it, others notice that it is gone.
  if (isThere(path.join(base, 'maps'))) removeIfEmpty(path.join(base, 'maps'));
  if (!isThere(path.join(base, 'maps')))
    for (const place of [sharedLock(layout), base, path.dirname(base)]) removeIfEmpty(place);
}

/** The directory whose lock is held while maps that projects share are made, changed or removed. */
export function sharedLock(layout: Layout): string {
  return path.join(sharedBase(layout), 'lock');
}
