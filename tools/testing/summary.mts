import type { Reporter, TestModule } from 'vitest/node';

/** Prints one plain line at the very end, so that a skipped kernel test can't go unseen. */
export const summary: Reporter = {
  onTestRunEnd(modules: readonly TestModule[], errors) {
    const count = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      const failedToCollect =
        module.state() === 'failed' && [...module.children.allTests('failed')].length === 0;
      if (failedToCollect) count.failed++;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state !== 'pending') count[state]++;
      }
    }
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`);
  },
};
