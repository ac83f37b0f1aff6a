import type * as Zod from 'zod';

/** zod, on first use: it takes some 40 ms to load, and half of the commands never read a manifest. */
export function zod(): typeof Zod {
  // Seen by bundlers, unlike createRequire(): a guest has the command line in one file, and no packages.
  return require('zod') as typeof Zod;
}
