import fs from 'node:fs';
import path from 'node:path';
import { BpfError, fileSystemMagic, fileSystemType } from '@nx-bpf/loader';

/** What `rawUnload` removed: pins, relative to the directory, sorted. */
export interface RawUnload {
  readonly directory: string;
  readonly removed: readonly string[];
}

/**
 * Undoes raw loads into a directory: links go first, so that nothing runs without its maps, then programs and maps,
 * then the directories.
 *
 * @throws BpfError PIN_NOT_FOUND if there is no such directory, NO_BPFFS if it is not on a bpf file system
 */
export function rawUnload(directory: string): RawUnload {
  if (!fs.existsSync(directory)) {
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
  const linksFirst = [...pins].sort((a, b) => Number(isLink(b)) - Number(isLink(a)) || (a < b ? -1 : 1));
  for (const pin of linksFirst) fs.rmSync(path.join(directory, pin));
  fs.rmSync(directory, { recursive: true });
  return { directory, removed: pins };
}

function isLink(pin: string): boolean {
  return pin.split(path.sep).includes('links');
}

function pinsUnder(directory: string): string[] {
  return fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
    .sort();
}
