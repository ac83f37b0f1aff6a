import fs from 'node:fs';
import path from 'node:path';

/** Whether there is a directory: the pin of several links that are one to a deployment. */
export function isDirectory(place: string): boolean {
  return fs.statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Where the parts are pinned: `0`, `1`, ... */
export function partPins(directory: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => path.join(directory, String(i)));
}

/** The parts that are pinned, in their order. */
export function pinnedParts(directory: string): string[] {
  return fs
    .readdirSync(directory)
    .sort((a, b) => Number(a) - Number(b))
    .map((name) => path.join(directory, name));
}
