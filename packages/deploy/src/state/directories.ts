import fs from 'node:fs';
import path from 'node:path';

/** Makes a directory and those above it that are missing. Returns what it made, outermost first. */
export function createDirectories(directory: string, mode: number): string[] {
  const missing: string[] = [];
  for (let at = directory; !fs.existsSync(at); at = path.dirname(at)) missing.unshift(at);
  return missing.filter((each) => {
    try {
      fs.mkdirSync(each);
    } catch (error) {
      // Somebody was faster: then it is theirs.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
    // The mode of mkdir(2) would be cut by the umask.
    fs.chmodSync(each, mode);
    return true;
  });
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
