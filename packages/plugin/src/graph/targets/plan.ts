import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';

/** `bpf-plan`: what `bpf-load` would change. The kernel is one of its inputs, so it is never cached. */
export function planTarget(project: ListedProject): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:plan',
    cache: false,
    // During somebody's deployment it would be the plan for half of it.
    parallelism: false,
    // Nx hands the configuration on, so the objects are those of the same environment.
    dependsOn: ['bpf-build'],
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf'],
      description: 'Shows what loading would change, and why',
      help: {
        command: `npx nx run ${project.name}:bpf-plan --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
