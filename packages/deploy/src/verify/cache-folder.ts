import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The path of something in the user's cache, where downloads are kept; its directory exists afterwards. */
export function cachePath(...parts: readonly string[]): string {
  const root = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
  const file = path.join(root, 'nx-bpf', ...parts);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  return file;
}

/**
 * Makes a directory as a whole or not at all: `fill` is given an empty one beside it, which is renamed when it returns.
 * Of two processes that do so at once, one wins, and both have what it made.
 */
export function fillDirectory(directory: string, fill: (draft: string) => void): void {
  const draft = fs.mkdtempSync(`${directory}.`);
  try {
    fill(draft);
    fs.renameSync(draft, directory);
  } catch (error) {
    fs.rmSync(draft, { recursive: true, force: true });
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}
