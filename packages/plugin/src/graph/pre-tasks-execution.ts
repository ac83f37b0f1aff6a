import { type ListedProject, listProjects } from '@nx-bpf/deploy/projects';
import { type PreTasksExecution } from '@nx/devkit';
import { requested } from './requested';

/**
 * Refuses a run with an environment that a project does not have. Nx itself would ignore an unknown configuration
 * and run without one: `nx run agent:bpf-load:prdo` would deploy the default environment, and say that all is well.
 */
export const preTasksExecution: PreTasksExecution = (_options, { argv, workspaceRoot }) => {
  if (requested(argv).length === 0) return;
  const problems = unknownEnvironments(argv, listProjects(workspaceRoot));
  if (problems.length > 0) throw new Error(problems.join('\n'));
};

/** A line for each project and environment that do not fit, none when all do. */
export function unknownEnvironments(argv: readonly string[], projects: readonly ListedProject[]): string[] {
  return requested(argv).flatMap(({ environment, words }) =>
    meant(projects, words)
      .filter((project) => !project.environments.includes(environment))
      .map(
        ({ name, environments }) =>
          `${name} has no environment '${environment}': its environments are ${environments.join(', ')}`,
      ),
  );
}

/** The projects that are named among the words, with or without a scope; all if none is. */
function meant(projects: readonly ListedProject[], words: readonly string[]): readonly ListedProject[] {
  const named = projects.filter(({ name }) =>
    words.some((word) => word === name || word.endsWith(`/${name}`)),
  );
  return named.length > 0 ? named : projects;
}
