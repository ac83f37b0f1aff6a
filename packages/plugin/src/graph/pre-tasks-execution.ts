import { type ListedProject, listProjects } from '@nx-bpf/deploy/projects';
import { type PreTasksExecution } from '@nx/devkit';
import { namesOfTargets, type PluginOptions } from './plugin-options';
import { requested, type Requested } from './requested';

/**
 * Refuses a run with an environment that a project does not have. Nx itself would ignore an unknown configuration
 * and run without one: `nx run agent:bpf-load:prdo` would deploy the default environment, and say that all is well.
 */
export const preTasksExecution: PreTasksExecution<PluginOptions> = (options, { argv, workspaceRoot }) => {
  const wanted = requested(argv, [...namesOfTargets(options).values()]);
  if (wanted.length === 0) return;
  const problems = unknownEnvironments(wanted, listProjects(workspaceRoot));
  if (problems.length > 0) throw new Error(problems.join('\n'));
};

/** A line for each project and environment that do not fit, none when all do. */
export function unknownEnvironments(
  wanted: readonly Requested[],
  projects: readonly ListedProject[],
): string[] {
  return wanted.flatMap(({ environment, words, orAll }) =>
    meant(projects, words, orAll)
      .filter((project) => !project.environments.includes(environment))
      .map(
        ({ name, environments }) =>
          `${name} has no environment '${environment}': its environments are ${environments.join(', ')}`,
      ),
  );
}

/** The projects that are named among the words, with or without a scope. */
function meant(
  projects: readonly ListedProject[],
  words: readonly string[],
  orAll: boolean,
): readonly ListedProject[] {
  const named = projects.filter(({ name }) =>
    words.some((word) => word === name || word.endsWith(`/${name}`)),
  );
  return named.length === 0 && orAll ? projects : named;
}
