/**
 * `npm run site`: the documentation as a site, in tools/site/dist. What it is built with is installed beside it the first
 * time, and by nobody else. A link that leads nowhere fails.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

const here = import.meta.dirname;
if (!existsSync(path.join(here, 'node_modules'))) {
  run('npm', ['ci', '--no-audit', '--no-fund', '--prefix', here]);
}
const { generate } = await import('./generate.mjs');
await generate(path.join(here, 'pages'));
run(process.execPath, [path.join(here, 'node_modules/vitepress/bin/vitepress.js'), 'build', here]);

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
