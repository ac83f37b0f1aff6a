import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';

/** `bpf-load`: makes the kernel what the manifest says. Its result is in the kernel, so never in a cache. */
export function loadTarget(project: ListedProject): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:load',
    cache: false,
    // The kernel is shared: two deployments side by side would wait for each other's lock.
    parallelism: false,
    // Nx hands the configuration on, so the objects are those of the same environment.
    dependsOn: ['bpf-build'],
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf'],
      description: 'Loads, pins and attaches the BPF programs',
      help: {
        command: `npx nx run ${project.name}:bpf-load --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
