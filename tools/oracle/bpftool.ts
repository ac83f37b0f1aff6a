import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { openPins, type Handles } from './handles';

/**
 * Loads an object file with the bpftool of the system, and pins what came of it under a directory that does not
 * exist yet, on a bpf file system.
 *
 * @throws Error with what bpftool wrote
 */
export function loadWithBpftool(file: string, directory: string): Handles {
  mkdirSync(directory);
  const programs = path.join(directory, 'programs');
  const maps = path.join(directory, 'maps');
  // bpftool makes neither directory when it has nothing to put there.
  mkdirSync(maps);
  const result = spawnSync('bpftool', ['prog', 'loadall', file, programs, 'pinmaps', maps], {
    encoding: 'utf8',
  });
  if (result.error) throw new Error('the comparison needs bpftool: install it', { cause: result.error });
  if (result.status !== 0) throw new Error(`bpftool does not load ${file}:\n${result.stderr}`);
  return { programs: openPins(programs), maps: openPins(maps) };
}
