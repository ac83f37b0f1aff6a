import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../testing/kernel';

/** A few calls of each scenario, always the same ones; `npm run faults` has them all. */
const short = [
  ['inside', 'every 41st call fails', ['--every', '41']],
  ['strace', 'system calls fail from outside', ['--every', '17', '--scenario', 'upgrade']],
  ['kill', 'killed before a call', ['--every', '190', '--first', '100', '--scenario', 'upgrade']],
] as const;

kernelSuite('faults', () => {
  test.each(short)('by %s: %s', { timeout: 300_000 }, (by, _, options) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['-r', './tools/run-source.js', 'tools/faults/run.ts', '--unlocked', '--quiet', '--by', by, ...options],
      { cwd: path.resolve(__dirname, '../..'), encoding: 'utf8' },
    );
    expect(stdout).toMatch(/"faults":[1-9]/);
    expect(status, `${stdout}\n${stderr}`).toBe(0);
  });
});
