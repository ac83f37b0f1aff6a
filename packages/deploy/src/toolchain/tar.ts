import type * as Tar from 'tar';

/**
 * tar, on first use: few commands need it. Not by `import()`, which code that came from V8's code cache cannot do.
 */
export function tar(): typeof Tar {
  // Seen by bundlers, unlike createRequire(): a guest has the command line in one file, and no packages.
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- for that
  return require('tar') as typeof Tar;
}
