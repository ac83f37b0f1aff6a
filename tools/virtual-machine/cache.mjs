import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** What is downloaded is kept outside the repository: in the user's cache. */
const root = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'nx-bpf');

/** The path of something in the cache; its directory exists afterwards. */
export function cachePath(...parts) {
  const file = path.join(root, ...parts);
  mkdirSync(path.dirname(file), { recursive: true });
  return file;
}

/**
 * Makes a directory of the cache as a whole or not at all: `fill` is given an empty one beside it, which is renamed
 * when it returns. Of two processes that do so at once, one wins, and both have what it made.
 */
export function fillCache(directory, fill) {
  const draft = mkdtempSync(`${directory}.`);
  try {
    fill(draft);
    renameSync(draft, directory);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  }
}
