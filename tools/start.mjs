/**
 * `npm start`: from a fresh checkout to the agent's programs in the running kernel. Uses nothing but Node itself
 * until the packages are installed. Run again, it finds that there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { quickEnvironment, root, setUpToStart } from './setup/index.mjs';

setUpToStart();

const nx = path.join(root, 'node_modules/nx/dist/bin/nx.js');
const load = spawnSync(process.execPath, [nx, 'run', 'agent:bpf-load', '--outputStyle=static'], {
  cwd: root,
  env: quickEnvironment,
  stdio: 'inherit',
});
if (load.status !== 0) process.exit(load.status ?? 1);

console.log(`
Try next:
  npx nx run agent:bpf-status    what of it is in the kernel now
  npm run traffic                packets for the guard, counted and dropped
  npx nx run agent:bpf-unload    takes all of it out again`);
