import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { output } from './command';

/**
 * Modules of a kernel with those that they depend on, in the order in which they are to be inserted. What is built into
 * the kernel is left out.
 *
 * @param directory lib/modules/RELEASE
 * @param names as modprobe takes them
 * @returns uncompressed, by name
 * @throws BpfError FILE
 */
export function moduleClosure(directory: string, names: readonly string[]): Map<string, Uint8Array> {
  const builtIn = new Set(namesBuiltIn(directory).map(moduleName));
  const files = new Map(
    fs
      .readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.ko(\.xz)?$/.test(file))
      .map((file) => [moduleName(file), path.join(directory, file)]),
  );
  const found = new Map<string, Uint8Array>();
  const add = (name: string): void => {
    if (found.has(name) || builtIn.has(name)) return;
    const file = files.get(name);
    if (file === undefined)
      throw new BpfError('FILE', `the kernel in ${directory} has no module '${name}'`, { path: directory });
    const bytes = file.endsWith('.xz') ? output('xz', ['-dc', file]) : fs.readFileSync(file);
    for (const dependency of dependencies(bytes)) add(dependency);
    found.set(name, bytes);
  };
  for (const name of names) add(moduleName(name));
  return found;
}

function namesBuiltIn(directory: string): string[] {
  const file = path.join(directory, 'modules.builtin');
  try {
    return fs.readFileSync(file, 'utf8').split('\n');
  } catch (cause) {
    throw new BpfError(
      'FILE',
      `${file} cannot be read: ${(cause as Error).message}`,
      { path: file, hint: 'the modules of a kernel are the directory lib/modules/RELEASE' },
      cause,
    );
  }
}

/** File names write hyphens where the kernel writes underscores, or do not. */
function moduleName(file: string): string {
  return path
    .basename(file)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_');
}

/** A module's section .modinfo holds `depends=a,b` between zero bytes. */
function dependencies(bytes: Buffer): string[] {
  const key = Buffer.from('\0depends=');
  const start = bytes.indexOf(key) + key.length;
  if (start < key.length) return [];
  const text = bytes.toString('latin1', start, bytes.indexOf(0, start));
  return text.split(',').filter(Boolean).map(moduleName);
}
