import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';

/** `bpf-unload`: removes what `bpf-load` put into the kernel. */
export function unloadTarget(project: ListedProject): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:unload',
    cache: false,
    parallelism: false,
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf'],
      description: 'Detaches and removes the BPF programs and their maps',
      help: {
        command: `npx nx run ${project.name}:bpf-unload --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
