import { Buffer } from 'node:buffer';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { SetupError, run } from '../setup/command.mjs';

/**
 * Modules of a kernel with those that they depend on, in the order in which they are to be inserted. What is built into
 * the kernel is left out.
 *
 * @param {string} directory lib/modules/RELEASE
 * @param {readonly string[]} names as modprobe takes them
 * @returns {Map<string, Buffer>} uncompressed, by name
 */
export function moduleClosure(directory, names) {
  const files = new Map(
    readdirSync(directory, { recursive: true })
      .filter((file) => /\.ko(\.xz)?$/.test(file))
      .map((file) => [moduleName(file), path.join(directory, file)]),
  );
  const builtIn = new Set(
    readFileSync(path.join(directory, 'modules.builtin'), 'utf8').split('\n').map(moduleName),
  );
  const found = new Map();
  const add = (name) => {
    if (found.has(name) || builtIn.has(name)) return;
    const file = files.get(name);
    if (file === undefined) throw new SetupError(`the kernel in ${directory} has no module '${name}'`);
    const bytes = file.endsWith('.xz')
      ? run('xz', ['-dc', file], { encoding: 'buffer' })
      : readFileSync(file);
    for (const dependency of dependencies(bytes)) add(dependency);
    found.set(name, bytes);
  };
  for (const name of names) add(moduleName(name));
  return found;
}

/** File names write hyphens where the kernel writes underscores, or do not. */
function moduleName(file) {
  return path
    .basename(file)
    .replace(/\.ko(\.xz)?$/, '')
    .replaceAll('-', '_');
}

/** A module's section .modinfo holds `depends=a,b` between zero bytes. */
function dependencies(bytes) {
  const key = Buffer.from('\0depends=');
  const start = bytes.indexOf(key) + key.length;
  if (start < key.length) return [];
  const text = bytes.toString('latin1', start, bytes.indexOf(0, start));
  return text.split(',').filter(Boolean).map(moduleName);
}
