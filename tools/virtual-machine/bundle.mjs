import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { rolldown } from 'rolldown';
import { SetupError } from '../setup/command.mjs';
import { root } from '../setup/index.mjs';

const { compilerOptions } = JSON.parse(readFileSync(path.join(root, 'tsconfig.base.json'), 'utf8'));

/**
 * TypeScript of this repository with all that it imports, as one CommonJS file: guests have neither the repository nor
 * the time to compile it. Only koffi stays outside, which every guest has.
 *
 * @param {string} entry a file of the repository
 * @returns {Promise<import('../../packages/deploy/src/machine').Entry>}
 */
export async function bundle(entry) {
  const alias = Object.entries(compilerOptions.paths).map(([name, [file]]) => [name, path.join(root, file)]);
  const build = await rolldown({
    input: path.join(root, entry),
    platform: 'node',
    external: ['koffi'],
    resolve: { alias: Object.fromEntries(alias) },
    logLevel: 'warn',
  });
  try {
    const { output } = await build.generate({ format: 'cjs', codeSplitting: false, banner: '#!/bin/node' });
    return { bytes: Buffer.from(output[0].code), executable: true };
  } catch (error) {
    throw new SetupError(`${entry} cannot be bundled: ${stripVTControlCharacters(error.message)}`);
  } finally {
    await build.close();
  }
}
