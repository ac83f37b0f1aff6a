import { readFileSync } from 'node:fs';
import { SetupError, run, which } from '../setup/command.mjs';

/** @typedef {import('./cpio.mjs').Entry} Entry */

/** A command of this machine that is linked statically. */
export function staticCommand(name) {
  const file = which(name);
  if (file === undefined) throw new SetupError(`${name} is not installed`);
  return executable(file);
}

/**
 * An executable file with the shared libraries that it needs, each at its own place.
 *
 * @returns {Map<string, Entry>}
 */
export function withLibraries(file, at) {
  return new Map([
    [at, executable(file)],
    ...libraries(file).map((library) => [library.slice(1), executable(library)]),
  ]);
}

/** @returns {Entry} */
function executable(file) {
  return { bytes: readFileSync(file), executable: true };
}

/** The paths in what ldd(1) prints: `libm.so.6 => /lib/libm.so.6 (0x7f...)` or `/lib64/ld-linux-x86-64.so.2 (0x7f...)`. */
function libraries(file) {
  return [...run('ldd', [file]).matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, library]) => library);
}
