import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';

/**
 * `bpf-bundle`: one file for a host without a checkout or a compiler. Quick once the objects are built, and values may
 * come from the environment: it is not cached.
 */
export function bundleTarget(project: ListedProject): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:bundle',
    cache: false,
    // Nx hands the configuration on, so the objects are those of the same environment.
    dependsOn: ['bpf-build'],
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf'],
      description: 'Writes the project as one file, for hosts without a checkout or a compiler',
      help: {
        command: `npx nx run ${project.name}:bpf-bundle --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
