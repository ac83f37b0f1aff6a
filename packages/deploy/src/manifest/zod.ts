import { createRequire } from 'node:module';
import type * as Zod from 'zod';

/** zod, on first use: it takes some 40 ms to load, and half of the commands never read a manifest. */
export function zod(): typeof Zod {
  return createRequire(__filename)('zod') as typeof Zod;
}
