import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';

/** `bpf-report`: a page of the project. It tells of the last plan and of this kernel: it is not cached. */
export function reportTarget(project: ListedProject): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:report',
    cache: false,
    // Nx hands the configuration on, so the objects are those of the same environment.
    dependsOn: ['bpf-build'],
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf'],
      description: 'Writes what the project is as a page: programs, maps, kernels, code beside C',
      help: {
        command: `npx nx run ${project.name}:bpf-report --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
