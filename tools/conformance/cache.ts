import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** Where packages, sources, compilers and objects are kept between runs: outside of the repository. */
export function defaultCache(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return path.join(base, 'nx-bpf', 'conformance');
}

/**
 * A directory that `fill` makes once: an interrupted run leaves nothing under the final name.
 *
 * @returns the directory
 */
export async function once(
  directory: string,
  fill: (unfinished: string) => void | Promise<void>,
): Promise<string> {
  if (existsSync(directory)) return directory;
  const unfinished = `${directory}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  await fill(unfinished);
  renameSync(unfinished, directory);
  return directory;
}
