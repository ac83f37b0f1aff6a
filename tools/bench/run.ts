import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { run as kernels } from './kernels/run';
import { run as load } from './load/run';
import { run as types } from './load/run-types';
import { run as mapDump } from './map-dump';
import { run as plan } from './plan';
import { run as ringBuffer } from './ring-buffer/run';
import { run as startUp } from './start-up';

/**
 * `npm run bench [load|types|ring-buffer|map-dump|plan|start-up|executor]`: each measures us, beside a peer where there
 * is one, in turns, and prints a table. Needs root; `start-up` needs `npm run build` before.
 * `kernels`, which downloads some gigabytes and has no peer, runs only where it is named.
 */
const benchmarks: Readonly<Record<string, () => Promise<void> | void>> = {
  load: () => load([]),
  types,
  'ring-buffer': ringBuffer,
  'map-dump': mapDump,
  plan: () => plan(),
  'start-up': startUp,
  executor,
  kernels,
};

/** It makes an Nx workspace elsewhere, which only the packed packages are in. */
function executor(): void {
  const { status } = spawnSync(process.execPath, [path.join(__dirname, 'executor/main.mjs')], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`executor: exit status ${status}`);
}

async function main(): Promise<void> {
  if (process.argv[2] === 'load') return load(process.argv.slice(3));
  const names =
    process.argv.length > 2
      ? process.argv.slice(2)
      : Object.keys(benchmarks).filter((name) => name !== 'kernels');
  for (const name of names) {
    const benchmark = benchmarks[name];
    if (benchmark === undefined)
      throw new Error(`no benchmark '${name}': ${Object.keys(benchmarks).join(', ')}`);
    console.log(`# ${name}\n`);
    await benchmark();
    console.log();
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
