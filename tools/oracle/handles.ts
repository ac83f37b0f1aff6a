import { closeFd, objectGet } from '../../packages/loader/src/kernel';
import { readdirSync } from 'node:fs';
import path from 'node:path';

/**
 * What one loader made of one object file: file descriptors by name. Programs are named as in C; maps as bpftool
 * pins them, with '_' for each dot.
 */
export interface Handles {
  readonly programs: ReadonlyMap<string, number>;
  readonly maps: ReadonlyMap<string, number>;
}

/** Opens everything pinned in a directory, by file name. */
export function openPins(directory: string): Map<string, number> {
  const names = readdirSync(directory).sort();
  return new Map(names.map((name) => [name, openPin(path.join(directory, name))]));
}

function openPin(file: string): number {
  const fd = objectGet(file);
  if (fd < 0) throw new Error(`cannot open the pin ${file}: error ${-fd}`);
  return fd;
}

/** Lets go of all: what is not pinned elsewhere leaves the kernel. */
export function closeAll({ programs, maps }: Handles): void {
  for (const fd of [...programs.values(), ...maps.values()]) closeFd(fd);
}
