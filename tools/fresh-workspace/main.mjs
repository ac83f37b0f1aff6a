/**
 * What a user gets: the packages are built, packed and installed in an empty Nx workspace elsewhere, where they must
 * not lean on anything of this repository. Each check is a file of this folder.
 *
 *     npm run fresh -- [--nx VERSION]    a version or a range, such as 24; by default this repository's
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { root } from '../setup/index.mjs';
import { deployAlone, loaderAlone } from './alone.mjs';
import { generatedProjects, lifeOfOne } from './generated.mjs';
import { invalidation } from './invalidation.mjs';
import { publishedForm } from './published.mjs';
import { readmeProject } from './readme.mjs';
import { remoteCache } from './remote-cache.mjs';
import { FreshWorkspace } from './workspace.mjs';

const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const { values } = parseArgs({ options: { nx: { type: 'string', default: dependencies.nx } } });

const checks = {
  publishedForm,
  readmeProject,
  loaderAlone,
  deployAlone,
  generatedProjects,
  lifeOfOne,
  invalidation,
  remoteCache,
};
const workspace = FreshWorkspace.create(values.nx);
try {
  for (const [name, check] of Object.entries(checks)) {
    const start = performance.now();
    await check(workspace);
    console.log(`${name}: ok (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  }
  console.log(`packed, installed and used with Nx ${workspace.installedNx()}`);
} finally {
  workspace.remove();
}
