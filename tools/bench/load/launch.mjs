/**
 * Runs the bundle beside this file: `node launch.mjs [--make-code-cache] ARGUMENTS`. V8's code cache beside the bundle
 * is used if there is one; with the flag it is written after the run, when the functions that ran are in it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

const directory = import.meta.dirname;
const file = path.join(directory, 'bundle.cjs');
const cache = path.join(directory, 'bundle.code');
const make = process.argv[2] === '--make-code-cache';

const text = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'utf8')}\n})`;
const cachedData = !make && existsSync(cache) ? readFileSync(cache) : undefined;
const script = new vm.Script(text, { filename: file, cachedData });
if (script.cachedDataRejected) console.error('the code cache was not taken');
const bundle = { exports: {} };
script.runInThisContext()(bundle.exports, createRequire(file), bundle, file, directory);
await bundle.exports.main(process.argv.slice(make ? 3 : 2));
if (make) writeFileSync(cache, script.createCachedData());
