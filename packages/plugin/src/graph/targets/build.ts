import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';
import { buildInputs } from '../inputs';

/** `bpf-build`: the project's C sources to objects. The one target whose result Nx may keep. */
export function buildTarget(project: ListedProject, workspaceRoot: string): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:build',
    cache: true,
    inputs: buildInputs(project, workspaceRoot),
    // A folder for each environment: what is restored for one must not take away the others.
    outputs: ['{projectRoot}/dist/bpf/{options.environment}'],
    ...(project.defaultEnvironment !== undefined && { options: { environment: project.defaultEnvironment } }),
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf', 'clang'],
      description: 'Compiles the BPF programs',
      help: {
        command: `npx nx run ${project.name}:bpf-build --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
