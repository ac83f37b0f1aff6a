/** `node bundle-ours.mjs DIRECTORY [NAME]`: `ours.ts`, or NAME.ts, with all that it imports as DIRECTORY/bundle.cjs, and what runs it. */
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundle } from '../../virtual-machine/bundle.mjs';

const [directory, name = 'ours'] = process.argv.slice(2);
const { bytes } = await bundle(`tools/bench/load/${name}.ts`);
// Without the line that makes it executable: the launcher wraps the text in a function.
writeFileSync(path.join(directory, 'bundle.cjs'), bytes.subarray(bytes.indexOf('\n') + 1));
cpSync(path.join(import.meta.dirname, 'launch.mjs'), path.join(directory, 'launch.mjs'));
