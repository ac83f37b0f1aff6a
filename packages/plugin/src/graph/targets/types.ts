import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';

/** `bpf-types`: TypeScript types of what the objects have. Quick, and its place is an option, so it is not cached. */
export function typesTarget(project: ListedProject): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:types',
    cache: false,
    // Nx hands the configuration on, so the objects are those of the same environment.
    dependsOn: ['bpf-build'],
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf', 'typescript'],
      description: 'Writes TypeScript types of maps, variables and events',
      help: {
        command: `npx nx run ${project.name}:bpf-types --help`,
        example: { options: { output: 'src/bpf-types.ts' } },
      },
    },
  };
}
