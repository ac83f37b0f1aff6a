import fs from 'node:fs';
import path from 'node:path';
import { mapInfo } from '@nx-bpf/loader';
import { generationMapPin, openPinned, pinnedMapId, type Layout, type Ledger } from '../state';
import { type Live } from './load-programs';
import { makeDirectories, pin, replacePin } from './pins';
import { type Undo } from './undo';

/**
 * Pins the maps that the next generation has not, or has others for, in the directory of the one that loses them: a
 * rollback finds them there, with what they hold.
 */
export function keepLostMaps(
  layout: Layout,
  recorded: Ledger | undefined,
  live: Live,
  mode: number,
  undo: Undo,
): void {
  const staying = new Set([...live.maps.values()].map(({ info }) => info.id));
  for (const map of recorded?.maps ?? []) {
    if (map.pin === undefined || map.adopted || staying.has(map.id)) continue;
    const fd = openPinned(map.pin, 'map');
    if (fd === undefined) continue;
    undo.own(`map ${map.name} as it was`, fd);
    if (mapInfo(fd.number).id !== map.id) continue;
    const place = generationMapPin(layout, recorded!.generation, map.name);
    makeDirectories(path.dirname(place), mode, undo);
    undo.push(`remove ${place}`, () => fs.rmSync(place, { force: true }));
    fs.rmSync(place, { force: true });
    pin(fd, `map '${map.name}'`, place, mode);
  }
}

/**
 * Takes back the maps that the generation of a ledger was about to lose, when what would have taken their place was
 * killed before its commit.
 *
 * @returns the pins that hold again what the ledger says
 */
export function bringBackMaps(layout: Layout, ledger: Ledger): string[] {
  return ledger.maps.flatMap((map) => {
    const place = generationMapPin(layout, ledger.generation, map.name);
    if (map.pin === undefined || pinnedMapId(place) !== map.id) return [];
    if (pinnedMapId(map.pin) === map.id) return [];
    const fd = openPinned(place, 'map')!;
    try {
      const directoryMode = fs.statSync(layout.base).mode & 0o777;
      replacePin(fd, `map '${map.name}'`, map.pin, directoryMode);
    } finally {
      fd.close();
    }
    return [map.pin];
  });
}
