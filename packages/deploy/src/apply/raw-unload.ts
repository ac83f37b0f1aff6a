import fs from 'node:fs';
import path from 'node:path';
import {
  BpfError,
  closeFd,
  fileSystemMagic,
  fileSystemType,
  findMount,
  openPin,
  type ObjectKind,
} from '@nx-bpf/loader';
import { isThere, notAllowed } from '../state';

/** What `rawUnload` removed: pins, relative to the directory, sorted. */
export interface RawUnload {
  readonly directory: string;
  readonly removed: readonly string[];
}

/**
 * Undoes raw loads into a directory: links go first, so that nothing runs without its maps, then programs and maps,
 * then the directories.
 *
 * @throws BpfError PIN_NOT_FOUND if there is no such directory, NO_BPFFS if it is not on a bpf file system, PIN_INVALID
 *   if anything in it was not put there by a raw load: then nothing is removed; PRIVILEGE_MISSING
 */
export function rawUnload(directory: string): RawUnload {
  if (!isThere(directory)) {
    throw new BpfError('PIN_NOT_FOUND', `${directory} does not exist: nothing is loaded there`, {
      path: directory,
    });
  }
  if (fileSystemType(directory) !== fileSystemMagic.bpffs) {
    throw new BpfError('NO_BPFFS', `${directory} is not on a bpf file system`, {
      path: directory,
      hint: 'give the directory that --pin was given',
    });
  }
  const pins = pinsUnder(directory);
  refuseForeign(directory, pins);
  const linksFirst = [...pins].sort((a, b) => Number(isLink(b)) - Number(isLink(a)) || (a < b ? -1 : 1));
  for (const pin of linksFirst) fs.rmSync(path.join(directory, pin));
  for (const each of [...directoriesUnder(directory), '']) fs.rmdirSync(path.join(directory, each));
  return { directory, removed: pins };
}

/** What a raw load makes: programs, `maps/...` and `links/...`; with several objects, below a directory for each. */
const kinds = { maps: 'map', links: 'link' } as const;

/** A typing error must not take the pins of others away: that of `/sys/fs/bpf`, say. */
function refuseForeign(directory: string, pins: readonly string[]): void {
  const foreign = pins.filter((pin) => !isOfRawLoad(directory, pin));
  if (foreign.length === 0 && findMount('bpf') !== path.resolve(directory)) return;
  throw new BpfError('PIN_INVALID', `${directory} was not made by nx-bpf load: nothing is removed`, {
    path: directory,
    found: foreign.length === 0 ? 'the root of a bpf file system' : few(foreign),
    expected: 'programs, and below maps/ and links/ maps and links',
    hint: 'give the directory that --pin was given; a deployment goes with nx-bpf destroy',
  });
}

/** The first of a list that may be long. */
function few(list: readonly string[], count = 3): string {
  const more = list.length - count;
  return `${list.slice(0, count).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function isOfRawLoad(directory: string, pin: string): boolean {
  const parts = pin.split(path.sep);
  const inside = parts.at(-2) as keyof typeof kinds | undefined;
  const kind = isLink(pin) ? 'link' : (inside !== undefined && kinds[inside]) || 'program';
  const own = { program: 1, map: 2, link: inside === 'links' ? 2 : 3 }[kind];
  return parts.length - own <= 1 && isPinned(path.join(directory, pin), kind);
}

function isPinned(place: string, kind: ObjectKind): boolean {
  if (!fs.lstatSync(place).isFile()) return false;
  try {
    closeFd(openPin(place, kind));
    return true;
  } catch (error) {
    // Not everything on a bpffs is a pin: the kernel has iterators of its own there.
    if (error instanceof BpfError && error.code !== 'PRIVILEGE_MISSING') return false;
    throw error;
  }
}

/** A program that runs through several links has a directory of their pins. */
function isLink(pin: string): boolean {
  return pin.split(path.sep).slice(-3, -1).includes('links');
}

function pinsUnder(directory: string): string[] {
  return entriesUnder(directory, (entry) => !entry.isDirectory());
}

/** Innermost first. */
function directoriesUnder(directory: string): string[] {
  return entriesUnder(directory, (entry) => entry.isDirectory()).reverse();
}

/** Relative paths, sorted. */
function entriesUnder(directory: string, wanted: (entry: fs.Dirent) => boolean): string[] {
  return readTree(directory)
    .filter(wanted)
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}

function readTree(directory: string): fs.Dirent[] {
  try {
    return fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EACCES' ? notAllowed(directory, error) : error;
  }
}
