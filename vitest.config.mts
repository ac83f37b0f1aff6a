import { readFileSync } from 'node:fs';
import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { summary } from './tools/testing/summary.mjs';

/** The packages by their names, as tsconfig.base.json has them: each name alone, not what begins with it. */
const { paths } = (
  JSON.parse(readFileSync(path.join(import.meta.dirname, 'tsconfig.base.json'), 'utf8')) as {
    compilerOptions: { paths: Record<string, [string]> };
  }
).compilerOptions;
const alias = Object.entries(paths).map(([name, [source]]) => ({
  find: new RegExp(`^${name}$`),
  replacement: path.resolve(import.meta.dirname, source),
}));
const exclude = ['**/node_modules/**', '**/dist/**', '**/.nx/**'];

export default defineConfig({
  resolve: { alias },
  test: {
    reporters: ['default', summary],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/**/*.test.ts', 'tools/**/*.test.ts'],
          exclude: [...exclude, '**/*.kernel.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'kernel',
          include: ['packages/**/*.kernel.test.ts', 'tools/**/*.kernel.test.ts'],
          exclude,
          // Each file compares what the kernel holds before and after it: two at once would see each other.
          fileParallelism: false,
          // unshare(2) of the mount and network namespace is per thread: the test must be a process's main thread.
          pool: 'forks',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
