/** `npm test`: its own set-up, then every check there is. The tests come last, so that their count is the last line. */
import { spawn, spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { quickEnvironment, root, setUpToTest } from './setup/index.mjs';

/** One stage after the other, the checks of a stage side by side: virtual machines want a processor each. */
const stages = [
  {
    lint: ['node_modules/eslint/bin/eslint.js', '.'],
    format: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
    types: ['node_modules/typescript/lib/tsc.js', '-p', '.'],
  },
  { packages: ['tools/fresh-workspace/main.mjs'], site: ['tools/site/build.mjs'] },
  { kernels: ['tools/kernels.mjs'] },
];
const options = { cwd: root, env: quickEnvironment };

setUpToTest();
const failed = [];
for (const checks of stages) {
  const results = await Promise.all(Object.entries(checks).map(check));
  failed.push(...results.filter((name) => name !== undefined));
}

console.log('tests:');
const tests = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run'], {
  ...options,
  stdio: 'inherit',
});
if (failed.length > 0) console.error(`failed before the tests: ${failed.join(', ')}`);
process.exitCode = failed.length > 0 ? 1 : (tests.status ?? 1);

/** Runs a check and prints a line with the time it took; what it said follows if it failed. Resolves to its name then. */
function check([name, args]) {
  const start = performance.now();
  const child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (said += text));
  }
  return new Promise((resolve) => {
    child.on('close', (status) => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      console.log(`${name}: ${status === 0 ? 'ok' : 'failed'} (${seconds} s)`);
      if (status !== 0) console.log(said);
      resolve(status === 0 ? undefined : name);
    });
  });
}
