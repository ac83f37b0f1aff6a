import { createRequire } from 'node:module';
import type * as Tar from 'tar';

/** The library that reads and writes archives, on first use: few commands need it. */
export function tar(): typeof Tar {
  return createRequire(__filename)('tar') as typeof Tar;
}
