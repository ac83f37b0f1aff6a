import fs from 'node:fs';
import path from 'node:path';
import { BpfError, fileSystemMagic, fileSystemType } from '@nx-bpf/loader';

const writableByOthers = 0o022;

/**
 * Refuses directories of pins that others could change: with another map or ledger in place of ours they would say what
 * the next deployment does. The mount itself is as it was mounted, usually 1777: there only their owner can rename or
 * remove directories. Directories of root's are as good as our own.
 *
 * @param directory the lowest; looked at are those of it and above it that exist, below a mount of bpffs
 * @param mode of the manifest: what it allows to others is allowed
 * @throws BpfError PIN_INVALID
 */
export function refuseOpenDirectories(directory: string, mode: number): void {
  for (let at = directory; at !== path.dirname(at); at = path.dirname(at)) {
    const problem = whyOpen(at, mode);
    if (problem === undefined) continue;
    throw new BpfError('PIN_INVALID', `${at} ${problem}: what others can change is not used for pins`, {
      path: at,
      hint: `see who made it: ls -ld ${at}; if it is yours, chmod it, else let pin.root be another directory`,
    });
  }
}

function whyOpen(place: string, mode: number): string | undefined {
  const found = fs.lstatSync(place, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const above = path.dirname(place);
  const isMount = !found.isSymbolicLink() && found.dev !== fs.statSync(above).dev;
  if (isMount || fileSystemType(above) !== fileSystemMagic.bpffs) return undefined;
  if (found.isSymbolicLink()) return `is a symbolic link, to ${fs.readlinkSync(place)}`;
  const me = process.geteuid?.() ?? 0;
  if (found.uid !== me && found.uid !== 0) return `belongs to user ${found.uid}, not to ${me} or root`;
  if ((found.mode & writableByOthers & ~mode) !== 0)
    return `can be written by others (mode ${(found.mode & 0o777).toString(8)}, expected ${mode.toString(8)})`;
  return undefined;
}
