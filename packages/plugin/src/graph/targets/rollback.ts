import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';

/** `bpf-rollback`: back to what an earlier `bpf-load` put into the kernel. */
export function rollbackTarget(project: ListedProject): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:rollback',
    cache: false,
    parallelism: false,
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf'],
      description: 'Goes back to the BPF programs that were there before',
      help: {
        command: `npx nx run ${project.name}:bpf-rollback --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
