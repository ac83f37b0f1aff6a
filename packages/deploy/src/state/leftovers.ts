import fs from 'node:fs';
import path from 'node:path';
import { linkPin, temporaryPrefix, type Layout } from './layout';
import { type Ledger } from './ledger';

/**
 * What lies in a project's directory and is not named by its ledger: what an apply that was killed left behind, and,
 * just after a commit, what the generation before had and the new one has not. Links come first: what runs goes
 * before what it uses.
 *
 * @param keepGenerations how many generations the ledger stands for, its own included
 * @returns absolute paths of pins and directories
 */
export function unnamedPlaces(layout: Layout, ledger: Ledger | undefined, keepGenerations: number): string[] {
  const named = new Set([
    ...(ledger?.links.map(({ id }) => linkPin(layout, id)) ?? []),
    ...(ledger?.maps.map(({ pin }) => pin) ?? []),
  ]);
  const newest = ledger?.generation ?? 0;
  const isKept = (generation: number): boolean =>
    generation > newest - keepGenerations && generation <= newest;
  return [
    ...entries(layout.links).filter((place) => !named.has(place)),
    ...entries(layout.maps).filter((place) => !named.has(place)),
    ...entries(layout.generations).filter((place) => !isKept(Number(path.basename(place)))),
    ...entries(layout.base).filter((place) => path.basename(place).startsWith(temporaryPrefix)),
  ];
}

/** What is in a directory, sorted; nothing if it is not there. */
function entries(directory: string): string[] {
  if (!fs.existsSync(directory)) return [];
  return fs
    .readdirSync(directory)
    .sort()
    .map((name) => path.join(directory, name));
}
