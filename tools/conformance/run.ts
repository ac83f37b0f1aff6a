/**
 * Compares our loader with libbpf, program by program.
 *
 *   node -r ./tools/run-source.js tools/conformance/run.ts [--cache DIR] [--seconds N] [FOLDER...]
 *
 * Without folders it goes through the corpus of `corpus.ts`. The results are written to `report.json` and `report.md`
 * in the cache. See docs/conformance.md.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildOracles } from './build-oracle';
import { agrees } from './compare';
import { defaultCache } from './cache';
import { standardCorpus } from './corpus';
import { report } from './report';
import { type Comparison } from './verdict';
import { compareAll } from './worker-pool';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      cache: { type: 'string', default: defaultCache() },
      seconds: { type: 'string', default: '60' },
    },
  });
  const { cache } = values;
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds ${values.seconds}: expected a number above 0`);
  mkdirSync(cache, { recursive: true });

  const oracles = await buildOracles(cache);
  const folders = positionals.length > 0 ? positionals : await corpusFolders(cache);
  const tasks = folders.flatMap(objectsIn).map((file) => ({ file, oracles, seconds, skip: [] }));
  const results: Comparison[] = [];
  await compareAll(tasks, (result) => {
    results.push(result);
    if (!agrees(result.agreement)) {
      console.log(`${result.object} ${result.program ?? ''}: ${result.agreement}`);
    }
  });

  const readable = report(results);
  writeFileSync(path.join(cache, 'report.json'), `${JSON.stringify(results, undefined, 1)}\n`);
  writeFileSync(path.join(cache, 'report.md'), readable);
  console.log(readable.slice(0, readable.indexOf('\n## Disagreements')));
  console.log(`written to ${path.join(cache, 'report.md')} and report.json`);
}

async function corpusFolders(cache: string): Promise<string[]> {
  const corpus = await standardCorpus(cache);
  for (const { folder, uncompiled } of corpus) {
    if (uncompiled.length > 0) console.log(`${folder}: ${uncompiled.length} sources do not compile`);
  }
  return corpus.map(({ folder }) => folder);
}

function objectsIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.o'))
    .sort()
    .map((file) => path.resolve(folder, file));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
