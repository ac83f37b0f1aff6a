import fs from 'node:fs';
import { output, requireCommand } from './command';
import { type Entry } from './cpio';

/** A command of this machine that is linked statically. */
export function staticCommand(name: string): Entry {
  return executable(requireCommand(name));
}

/** An executable file with the shared libraries that it needs, each at its own place. */
export function withLibraries(file: string, at: string): [string, Entry][] {
  return [
    [at, executable(file)],
    ...libraries(file).map((library): [string, Entry] => [library.slice(1), executable(library)]),
  ];
}

function executable(file: string): Entry {
  return { bytes: fs.readFileSync(file), executable: true };
}

/** The paths in what ldd(1) prints: `libm.so.6 => /lib/libm.so.6 (0x7f...)` or `/lib64/ld-linux-x86-64.so.2 (0x7f...)`. */
function libraries(file: string): string[] {
  const text = output('ldd', [file]).toString('utf8');
  return [...text.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, library]) => library!);
}
