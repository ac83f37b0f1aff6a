import fs from 'node:fs';
import path from 'node:path';

/** Writes a file by rename, so that nobody reads half of it; directories are made as needed. */
export function writeAtomically(file: string, content: string | Uint8Array): void {
  makeDirectory(path.dirname(file));
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    fs.writeFileSync(temporary, content);
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * A directory with those above it. One at a time: Node's own `recursive` (seen in 20) tries for ever where a file system
 * says ENOENT below a directory that is there, as /proc does.
 */
function makeDirectory(directory: string): void {
  if (fs.existsSync(directory)) return;
  makeDirectory(path.dirname(directory));
  try {
    fs.mkdirSync(directory);
  } catch (error) {
    // Somebody was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
