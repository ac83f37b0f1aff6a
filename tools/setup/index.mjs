import path from 'node:path';
import { SetupError, isRoot } from './command.mjs';
import { mountFileSystems } from './mounts.mjs';
import { installNodeModules } from './node-modules.mjs';
import { installPackages } from './packages.mjs';
import { makeSandbox } from './sandbox.mjs';

export { quickEnvironment, run } from './command.mjs';
export { sandbox } from './sandbox.mjs';

/** The repository. */
export const root = path.resolve(import.meta.dirname, '../..');

/** All that the agent's dev environment needs. Only what is missing is made, and only that is printed. */
export function setUpToStart() {
  carryOut([() => installPackages(), () => installNodeModules(root), mountFileSystems, makeSandbox]);
}

/** All that the tests need; they make what they attach to themselves. Without root those on the kernel are skipped. */
export function setUpToTest() {
  const mounts = isRoot ? [mountFileSystems] : [];
  carryOut([() => installPackages({ forTests: true }), () => installNodeModules(root), ...mounts]);
}

function carryOut(steps) {
  try {
    for (const step of steps) for (const line of step()) console.log(line);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
