import { createRequire } from 'node:module';
import type * as Tar from 'tar';

/**
 * tar, on first use: few commands need it. Not by `import()`, which code that came from V8's code cache cannot do.
 */
export function tar(): typeof Tar {
  return createRequire(__filename)('tar') as typeof Tar;
}
