import fs from 'node:fs';
import path from 'node:path';
import { type Fd, mapInfo, pinObject } from '@nx-bpf/loader';
import { createDirectories, pinnedMapId, removeIfEmpty, temporaryPrefix } from '../state';
import { type Undo } from './undo';

/** Makes a directory and those above it; the undo removes what was made here. */
export function makeDirectories(directory: string, mode: number, undo: Undo): void {
  for (const made of createDirectories(directory, mode))
    undo.push(`remove ${made}`, () => removeIfEmpty(made));
}

/** Something with an fd that can be pinned. */
export type Pinnable = Pick<Fd, 'number'>;

/**
 * Pins an object, with the mode of pins: BPF_OBJ_PIN itself makes them 0600 less the umask.
 *
 * @param mode of directories
 */
export function pin(object: Pinnable, what: string, place: string, mode: number): void {
  pinObject(object.number, what, place);
  fs.chmodSync(place, mode & 0o666);
}

/** Pins an object where something may be pinned already: the one takes the place of the other in one step. */
export function replacePin(object: Pinnable, what: string, place: string, mode: number): void {
  const temporary = pinTemporarily(object, what, place, mode);
  try {
    fs.renameSync(temporary, place);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * Pins an object beside its place, where tidying up finds it if nobody renames it. What is pinned there already stays,
 * if it is the same.
 *
 * @returns the path
 */
export function pinTemporarily(object: Pinnable, what: string, place: string, mode: number): string {
  const temporary = path.join(path.dirname(place), `${temporaryPrefix}${path.basename(place)}`);
  if (pinnedMapId(temporary) !== undefined && isSameMap(object, temporary)) return temporary;
  fs.rmSync(temporary, { force: true });
  try {
    pin(object, what, temporary, mode);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
  return temporary;
}

function isSameMap({ number }: Pinnable, place: string): boolean {
  try {
    return mapInfo(number).id === pinnedMapId(place);
  } catch {
    // It is no map.
    return false;
  }
}

/** Pins an object so that the undo pins again what was there before. */
export function exchangePin(
  object: Pinnable,
  what: string,
  place: string,
  options: { readonly before: Pinnable | undefined; readonly mode: number; readonly undo: Undo },
): void {
  const { before, mode, undo } = options;
  replacePin(object, what, place, mode);
  undo.push(`pin ${what} as before`, () => {
    if (before === undefined) fs.rmSync(place, { force: true });
    else replacePin(before, what, place, mode);
  });
}
