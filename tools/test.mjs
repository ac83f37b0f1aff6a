/** `npm test`: its own set-up, then every check there is. The tests come last, so that their count is the last line. */
import { spawn } from 'node:child_process';
import { quickEnvironment, root, setUpToTest } from './setup/index.mjs';

setUpToTest();

const checks = [
  ['lint', 'node_modules/eslint/bin/eslint.js', '.'],
  ['format', 'node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
  ['types', 'node_modules/typescript/lib/tsc.js', '-p', '.'],
  ['packages', 'tools/pack-check.mjs'],
];
const results = await Promise.all(checks.map(([name, ...args]) => run(name, args, 'pipe')));
results.push(await run('tests', ['node_modules/vitest/vitest.mjs', 'run'], 'inherit'));

const failed = results.filter(({ ok }) => !ok).map(({ name }) => name);
if (failed.length > 0) {
  // The tests' own last line says enough when only they failed.
  if (failed.join() !== 'tests') console.error(`failed: ${failed.join(', ')}`);
  process.exit(1);
}

/** Runs a script of Node; prints a line with the time it took, and what it said if it failed. */
function run(name, args, output) {
  const start = performance.now();
  if (output === 'inherit') console.log(`${name}:`);
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: quickEnvironment,
    stdio: ['ignore', output, output],
  });
  const said = [];
  child.stdout?.on('data', (chunk) => said.push(chunk));
  child.stderr?.on('data', (chunk) => said.push(chunk));
  return new Promise((resolve) => {
    child.on('close', (status) => {
      const ok = status === 0;
      if (output === 'pipe') {
        console.log(`${name}: ${ok ? 'ok' : 'FAILED'} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
        if (!ok) process.stdout.write(Buffer.concat(said));
      }
      resolve({ name, ok });
    });
  });
}
