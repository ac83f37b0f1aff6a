import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';

/**
 * Makes a directory and those above it that are missing.
 *
 * @param mode of each, whatever the umask
 * @returns what it made, outermost first
 * @throws BpfError PRIVILEGE_MISSING; what node:fs throws. Then it removes what it made
 */
export function createDirectories(directory: string, mode: number): string[] {
  const missing: string[] = [];
  for (let at = directory; !fs.existsSync(at); at = path.dirname(at)) missing.unshift(at);
  const made: string[] = [];
  try {
    for (const each of missing) {
      if (!createDirectory(each)) continue;
      made.unshift(each);
      // The mode of mkdir(2) would be cut by the umask.
      fs.chmodSync(each, mode);
    }
  } catch (error) {
    made.forEach(removeIfEmpty);
    throw error;
  }
  return made.reverse();
}

/** False if it is there: somebody was faster, and it is theirs. */
function createDirectory(place: string): boolean {
  try {
    fs.mkdirSync(place);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code === 'EACCES') throw notAllowed(place, error);
    throw error;
  }
}

/**
 * Whether something is at a path.
 *
 * @throws BpfError PRIVILEGE_MISSING where that cannot be seen, which `existsSync` takes for "no"
 */
export function isThere(place: string): boolean {
  try {
    return fs.statSync(place, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw notAllowed(place, error);
    throw error;
  }
}

/** The error for a place that this user may not look into, or make. */
export function notAllowed(place: string, cause: unknown): BpfError {
  return new BpfError(
    'PRIVILEGE_MISSING',
    `${place}: EACCES (Permission denied)`,
    {
      path: place,
      errno: 'EACCES',
      hint: 'run this as root, or let pin.root be on a bpf file system of your own (mount -t bpf -o uid=...)',
    },
    cause,
  );
}

/** Removes a directory unless something is in it. */
export function removeIfEmpty(directory: string): void {
  try {
    fs.rmdirSync(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error;
  }
}
