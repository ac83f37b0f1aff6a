/**
 * `node pairs.mjs BARE PAIRS`, in the workspace, with a bpffs of its own: runs the two in turns and prints a table. BARE
 * is a workspace without the plugin, in which the empty executor runs too.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

const [bare, pairs] = process.argv.slice(2);
const runs = {
  load: { cwd: process.cwd(), target: 'a-xdp:bpf-load' },
  empty: { cwd: process.cwd(), target: 'nothing:empty' },
  'empty, no plugin': { cwd: bare, target: 'nothing:empty' },
};

/** Milliseconds that one command took. */
function time({ cwd, target }, daemon) {
  const env = { ...process.env, NX_DAEMON: String(daemon), NX_CACHE_DIRECTORY: path.join(cwd, '.nx/cache') };
  const start = performance.now();
  const nx = spawnSync(
    process.execPath,
    [path.join(cwd, 'node_modules/nx/dist/bin/nx.js'), 'run', target, '--outputStyle=static'],
    { cwd, env, encoding: 'utf8' },
  );
  const took = performance.now() - start;
  if (nx.status !== 0)
    throw new Error(`nx run ${target} failed:\n${nx.error ?? ''}${nx.stdout}\n${nx.stderr}`);
  return { took, said: nx.stdout };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

console.log(
  '| daemon | load / empty | load / empty without the plugin | load, ms | empty, ms | no plugin, ms |',
);
console.log(
  '| ------ | ------------ | ------------------------------- | -------- | --------- | ------------- |',
);
for (const daemon of [false, true]) {
  // The first deploys, the second remembers, the third has every cache.
  for (let i = 0; i < 3; i++) for (const run of Object.values(runs)) time(run, daemon);
  const times = Object.fromEntries(Object.keys(runs).map((name) => [name, []]));
  for (let i = 0; i < Number(pairs); i++) {
    for (const [name, run] of Object.entries(runs)) {
      const { took, said } = time(run, daemon);
      if (name === 'load' && !said.includes('nothing to do')) throw new Error(`it did something:\n${said}`);
      times[name].push(took);
    }
  }
  const { load, empty, 'empty, no plugin': without } = times;
  const ratio = (other) => median(load.map((each, i) => each / other[i])).toFixed(2);
  const figures = [load, empty, without].map((each) => median(each).toFixed(0));
  console.log(`| ${[daemon ? 'on' : 'off', ratio(empty), ratio(without), ...figures].join(' | ')} |`);
  if (daemon) {
    for (const cwd of new Set(Object.values(runs).map((run) => run.cwd))) {
      const nx = path.join(cwd, 'node_modules/nx/dist/bin/nx.js');
      spawnSync(process.execPath, [nx, 'daemon', '--stop'], {
        cwd,
        env: { ...process.env, NX_DAEMON: 'true' },
      });
    }
  }
}
