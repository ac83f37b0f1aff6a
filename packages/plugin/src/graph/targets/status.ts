import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';

/** `bpf-status`: what of the project is in the kernel. */
export function statusTarget(project: ListedProject): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:status',
    cache: false,
    // A look during somebody's deployment would show half of it.
    parallelism: false,
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf'],
      description: 'Shows which programs, maps and links are in the kernel',
      help: {
        command: `npx nx run ${project.name}:bpf-status --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
