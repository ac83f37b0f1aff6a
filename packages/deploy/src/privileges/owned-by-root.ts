import fs from 'node:fs';
import path from 'node:path';

/**
 * Why others than root could change what is at a path: itself, or a directory on the way to it. Node alone is
 * imported here: this is asked before anything else of the package is loaded.
 *
 * @param file absolute
 * @returns undefined if only root can
 */
export function whyUnsafe(file: string): string | undefined {
  if (!path.isAbsolute(file) || path.normalize(file) !== file) return `${file} is no plain absolute path`;
  const steps = file.split('/').filter((step) => step !== '');
  const places = ['/', ...steps.map((_, i) => `/${steps.slice(0, i + 1).join('/')}`)];
  for (const place of places) {
    const problem = whyWritable(place);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The same of everything below a directory that is safe itself; a symlink may lead to what is in it. */
export function whyUnsafeBelow(directory: string): string | undefined {
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    const place = path.join(directory, entry.name);
    const problem = whyWritable(place, directory.slice(0, rootOf(directory).length));
    if (problem !== undefined) return problem;
    const below = entry.isDirectory() ? whyUnsafeBelow(place) : undefined;
    if (below !== undefined) return below;
  }
  return undefined;
}

/** The first directory `node_modules` of a path: what a package loads is below it. */
export function rootOf(file: string): string {
  const end = `${file}/`.indexOf('/node_modules/');
  return end < 0 ? file : file.slice(0, end + '/node_modules'.length);
}

/** @param within where a symlink may lead to */
function whyWritable(place: string, within?: string): string | undefined {
  let stat: fs.Stats;
  try {
    stat = fs.lstatSync(place);
  } catch (error) {
    return `${place} cannot be looked at: ${(error as Error).message}`;
  }
  if (stat.uid !== 0) return `${place} belongs to user ${stat.uid}, not to root`;
  if (stat.isSymbolicLink()) {
    const target = realpath(place);
    if (within !== undefined && target?.startsWith(`${within}/`) === true) return undefined;
    return `${place} is a symbolic link, to ${target ?? 'what is not there'}`;
  }
  if ((stat.mode & 0o022) !== 0)
    return `${place} can be written by others than root (mode ${(stat.mode & 0o7777).toString(8)})`;
  return undefined;
}

function realpath(place: string): string | undefined {
  try {
    return fs.realpathSync(place);
  } catch {
    return undefined;
  }
}
