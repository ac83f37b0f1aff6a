import { mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { quickEnvironment, root, run } from '../setup/index.mjs';
import { bundle } from '../virtual-machine/bundle.mjs';

/** How a guest tries features; the names of some may follow. */
export const guestCommand = ['node', '/features/run.cjs', '/features/objects'];

/**
 * Compiles the objects of the features into a directory and bundles what tries them.
 *
 * @param {string} [architecture] of the machine that tries them, as clang names it; by default this one's
 * @returns {Promise<{ program: Uint8Array, files: Map<string, import('../../packages/deploy/src/machine').Entry> }>} one file
 *   of JavaScript, and the files of a guest for {@link guestCommand}
 */
export async function prepareFeatures(objects, architecture) {
  mkdirSync(objects, { recursive: true });
  run(
    process.execPath,
    [
      '-r',
      './tools/run-source.js',
      'tools/features/compile.ts',
      objects,
      ...(architecture ? [architecture] : []),
    ],
    {
      cwd: root,
      env: quickEnvironment,
    },
  );
  const program = await bundle('tools/features/run.ts');
  const compiled = readdirSync(objects).filter((file) => file.endsWith('.o'));
  return {
    program: program.bytes,
    files: new Map([
      ['features/run.cjs', program],
      ['features/objects/traced', { bytes: readFileSync(path.join(objects, 'traced')), executable: true }],
      ...compiled.map((file) => [
        `features/objects/${file}`,
        { bytes: readFileSync(path.join(objects, file)) },
      ]),
    ]),
  };
}

/** Results are lines of JSON. */
export function parseResults(text) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
