import fs from 'node:fs';
import path from 'node:path';
import {
  generationLedger,
  openPinned,
  isThere,
  isUnlinked,
  readNote,
  removeNoted,
  isUsedElsewhere,
  notedOutsidePins,
  pinnedMapId,
  removeOutsidePin,
  temporaryPrefix,
  unnamedPlaces,
  type Layout,
  type Ledger,
  type OutsidePin,
} from '../state';
import { removeHeld } from './held';
import { bringBackMaps } from './lost-maps';
import { replacePin } from './pins';
import { settleNoted } from './switch-noted';

/**
 * Brings what is pinned to what the ledger says: right after a commit that takes away what the new generation has not;
 * before an apply it repairs what one left that was killed. The ledger is renamed in one step, so one of the two is
 * always what happened.
 *
 * @param ledger undefined: nothing is deployed, and all of it goes
 * @param except pins that the caller will replace
 * @returns what it removed, absolute
 */
export function tidy(
  layout: Layout,
  ledger: Ledger | undefined,
  keepGenerations: number,
  except: ReadonlySet<string> = new Set(),
): string[] {
  if (ledger !== undefined) {
    pinLedger(layout, ledger.generation);
    pointCurrent(layout, ledger.generation);
  }
  const outside = unnamedOutside(layout, ledger).filter(
    (outside) => !isUsedElsewhere(layout, outside.pin) && removeOutsidePin(outside),
  );
  if (ledger !== undefined) bringBackMaps(layout, ledger);
  const places = unnamedPlaces(layout, ledger, keepGenerations).filter((place) => !except.has(place));
  const staying = new Set(ledger?.links.map(({ kernelId }) => kernelId));
  const links = ledger?.links.filter(({ hook }) => isUnlinked(hook)) ?? [];
  for (const link of links) settleNoted(layout, link, links, fs.statSync(layout.base).mode & 0o777);
  for (const place of places) {
    // One under way was written before its step, and the one that it was to replace is still there.
    const underWay = path.basename(place).startsWith(temporaryPrefix);
    const isLink = path.dirname(place) === layout.links;
    if (isLink && !underWay) removeNoted(readNote(place) ?? [], links);
    if (isLink) removeHeld(place, staying);
    else fs.rmSync(place, { recursive: true });
  }
  return [...outside.map(({ pin }) => pin), ...places.filter((place) => place !== layout.outside)];
}

/** What {@link tidy} would remove: left by an apply that was killed. */
export function leftBehind(layout: Layout, ledger: Ledger | undefined): string[] {
  return [
    ...unnamedOutside(layout, ledger)
      .filter(({ pin, id }) => pinnedMapId(pin) === id)
      .map(({ pin }) => pin),
    // How many generations are kept is not recorded: older ones are no sign of anything.
    ...unnamedPlaces(layout, ledger, Infinity),
  ];
}

function unnamedOutside(layout: Layout, ledger: Ledger | undefined): OutsidePin[] {
  return notedOutsidePins(layout).filter(
    ({ pin, id }) => !ledger?.maps.some((map) => map.pin === pin && map.id === id),
  );
}

/** Pins the ledger again, where somebody removed its pin: each generation has one of its own. */
function pinLedger(layout: Layout, generation: number): void {
  if (isThere(layout.ledger)) return;
  const fd = openPinned(generationLedger(layout, generation), 'map');
  if (fd === undefined) return;
  try {
    replacePin(fd, 'ledger', layout.ledger, fs.statSync(layout.base).mode & 0o777);
  } finally {
    fd.close();
  }
}

/** Points `current` at a generation, in one step. */
function pointCurrent(layout: Layout, generation: number): void {
  const target = path.join('gen', String(generation));
  if (readLink(layout.current) === target) return;
  const temporary = path.join(layout.base, `${temporaryPrefix}current`);
  fs.rmSync(temporary, { force: true });
  fs.symlinkSync(target, temporary);
  fs.renameSync(temporary, layout.current);
}

function readLink(place: string): string | undefined {
  try {
    return fs.readlinkSync(place);
  } catch {
    return undefined;
  }
}
