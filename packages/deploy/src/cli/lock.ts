import { lockFile, updateLock } from '../bundle';
import { loadProject } from '../manifest';
import { build } from './objects';
import { kernelPackages } from '../verify';
import { type Answer, type CommandInput } from './request';

/**
 * `nx-bpf lock`: what a project is built from and what comes of it, recorded in the lock file: in the environment that
 * is named, or in all of them.
 */
export async function lock(input: CommandInput): Promise<Answer> {
  const { config, request } = input;
  const environments = request.environment === undefined ? config.environments : [config.environment];
  let changed = false;
  for (const environment of environments) {
    const each = loadProject({ ...request, environment });
    // What is recorded is not held against the record before.
    const unlocked = { ...each, deploy: { ...each.deploy, requireLock: false } };
    const objects = await build({ ...input, config: unlocked, request: { ...request, frozen: false } });
    changed = updateLock(unlocked, objects, kernelPackages(unlocked, input.note)) || changed;
  }
  const what = `${config.project} in ${environments.join(', ')}`;
  return {
    lines: [changed ? `${lockFile}: ${what} recorded` : `nothing to do: ${lockFile} has ${what} as it is`],
    result: { project: config.project, environments, lockFile, changed },
  };
}
