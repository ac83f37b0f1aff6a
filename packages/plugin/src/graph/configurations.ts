import { type ListedProject } from '@nx-bpf/deploy/projects';

/**
 * An Nx configuration for each environment, so that `nx run agent:bpf-load:prod` deploys to prod. No default one
 * is named: a run without a configuration leaves the choice to the manifest's `defaultEnvironment`.
 */
export function configurations(project: ListedProject): Record<string, { environment: string }> {
  return Object.fromEntries(project.environments.map((environment) => [environment, { environment }]));
}
