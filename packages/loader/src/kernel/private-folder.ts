import fs from 'node:fs';
import path from 'node:path';
import { fileStatus } from './file-status';

/** Bits of `st_mode` of stat(2). */
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * A folder whose contents only this user can have written: what is read back from it may reach the kernel as root.
 * Made with mode 0700 if it is not there.
 *
 * @returns why the folder may not be used, undefined if it may
 *
 * @example
 * ```ts
 * refuseSharedFolder('/tmp'); // '/tmp can be written by others (mode 777); chmod 700 it to use it'
 * ```
 */
export function refuseSharedFolder(folder: string): string | undefined {
  let status = fileStatus(folder, { follow: false });
  if (status === undefined) {
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (error) {
      return `${folder} cannot be made: ${(error as Error).message}`;
    }
    status = fileStatus(folder, { follow: false });
    if (status === undefined) return `${folder} cannot be made: it is gone again`;
  }
  const { mode, uid } = status;
  const me = process.geteuid?.() ?? uid;
  if ((mode & S_IFMT) !== S_IFDIR) return `${folder} is not a directory`;
  if (uid !== me) return `${folder} belongs to user ${uid}, not to ${me}`;
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    return `${folder} can be written by others (mode ${(mode & 0o777).toString(8)}); chmod 700 it to use it`;
  }
  return undefined;
}

/**
 * Writes a file by rename, so that a reader sees the whole of it or nothing.
 *
 * @param parts of the content, one behind the other
 *
 * @example
 * ```ts
 * writeByRename('one', Uint8Array.of(1));
 * ```
 */
export function writeByRename(file: string, ...parts: readonly Uint8Array[]): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  let fd: number | undefined;
  try {
    fd = fs.openSync(temporary, 'w', 0o600);
    for (const part of parts) fs.writeFileSync(fd, part);
    fs.closeSync(fd);
    fd = undefined;
    fs.renameSync(temporary, file);
  } catch (error) {
    if (fd !== undefined) fs.closeSync(fd);
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}
