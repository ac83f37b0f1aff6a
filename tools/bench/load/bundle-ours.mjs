/** `node bundle-ours.mjs DIRECTORY`: `ours.ts` with all that it imports as DIRECTORY/bundle.cjs, and what runs it. */
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle } from '../../virtual-machine/bundle.mjs';

const directory = process.argv[2];
const { bytes } = await bundle('tools/bench/load/ours.ts');
// Without the line that makes it executable: the launcher wraps the text in a function.
writeFileSync(path.join(directory, 'bundle.cjs'), bytes.subarray(bytes.indexOf('\n') + 1));
cpSync(path.join(import.meta.dirname, 'launch.mjs'), path.join(directory, 'launch.mjs'));
