import fs from 'node:fs';
import path from 'node:path';
import { isThere } from './directories';
import { generationPath, linkPin, temporaryPrefix, type Layout } from './layout';
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
    // Maps that the generation was about to lose: they are in their places again.
    ...(ledger === undefined ? [] : entries(path.join(generationPath(layout, newest), 'maps'))),
    ...entries(layout.generations).filter((place) => !isKept(Number(path.basename(place)))),
    ...entries(layout.base).filter((place) => path.basename(place).startsWith(temporaryPrefix)),
  ];
}

/** The generations that are pinned, rising. */
export function keptGenerations(layout: Layout): number[] {
  return entries(layout.generations)
    .map((place) => Number(path.basename(place)))
    .sort((a, b) => a - b);
}

/** What is in a directory, sorted; nothing if it is not there. */
function entries(directory: string): string[] {
  // Not existsSync, which takes every error for "no": what cannot be seen would stay, and be called removed.
  if (!isThere(directory)) return [];
  return fs
    .readdirSync(directory)
    .sort()
    .map((name) => path.join(directory, name));
}
