import fs from 'node:fs';
import path from 'node:path';

/**
 * A folder whose contents only this user can have written: what is read back from it may reach the kernel as root.
 * Made with mode 0700 if it is not there.
 *
 * @returns why the folder may not be used, undefined if it may
 */
export function refuseSharedFolder(folder: string): string | undefined {
  let stat: fs.Stats;
  try {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
    stat = fs.lstatSync(folder);
  } catch (error) {
    return `${folder} cannot be made: ${(error as Error).message}`;
  }
  const me = process.geteuid?.() ?? stat.uid;
  if (!stat.isDirectory()) return `${folder} is not a directory`;
  if (stat.uid !== me) return `${folder} belongs to user ${stat.uid}, not to ${me}`;
  if ((stat.mode & 0o022) !== 0) {
    return `${folder} can be written by others (mode ${(stat.mode & 0o777).toString(8)}); chmod 700 it to use it`;
  }
  return undefined;
}

/** Writes a file by rename, so that a reader sees the whole of it or nothing. */
export function writeByRename(file: string, content: Uint8Array): void {
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  try {
    fs.writeFileSync(temporary, content, { mode: 0o600 });
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}
