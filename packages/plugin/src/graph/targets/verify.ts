import { type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';
import { configurations } from '../configurations';
import { verifyInputs } from '../inputs';

/** `bpf-verify`: the programs against the kernels that the manifest names. Its inputs are files and the names of packages. */
export function verifyTarget(project: ListedProject, workspaceRoot: string): TargetConfiguration {
  return {
    executor: '@nx-bpf/plugin:verify',
    cache: true,
    inputs: verifyInputs(project, workspaceRoot),
    // What it found. The objects are those of bpf-build, which it builds if they are not there.
    outputs: ['{projectRoot}/dist/bpf/{options.environment}/verify.json'],
    dependsOn: ['bpf-build'],
    ...(project.defaultEnvironment !== undefined && { options: { environment: project.defaultEnvironment } }),
    configurations: configurations(project),
    metadata: {
      technologies: ['ebpf'],
      description: 'Tells for which kernels the programs are',
      help: {
        command: `npx nx run ${project.name}:bpf-verify --help`,
        example: { options: { environment: project.environments[0] } },
      },
    },
  };
}
