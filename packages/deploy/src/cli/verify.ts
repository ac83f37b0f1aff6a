import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import pc from 'picocolors';
import { annotations, renderVerdicts } from '../report';
import { verify } from '../verify';
import { objectsOf } from './objects';
import { type Answer, type CommandInput } from './request';

/** Every program of the project against every kernel that the manifest names. */
export async function verifyProject(input: CommandInput): Promise<Answer> {
  const { config, note, verbose } = input;
  const objects = await objectsOf(input);
  const results = path.join(config.workspaceRoot, '.nx-bpf', 'cache', 'verified');
  const kernels = await verify({ config, objects, results, note });
  const failed = kernels.filter(({ success }) => !success);
  const required = failed.filter((kernel) => kernel.required);
  const title = pc.bold(`${config.project}@${config.environment}`);
  const names = failed
    .map(({ kernel, required: of }) => (of ? kernel : `${kernel} (not required)`))
    .join(', ');
  const summary =
    failed.length === 0
      ? pc.green(
          `${title} relocates for ${kernels.length === 1 ? 'its kernel' : `all ${kernels.length} kernels`}`,
        )
      : (required.length > 0 ? pc.red : pc.yellow)(`${title} is not for ${names}`);
  const inActions = process.env['GITHUB_ACTIONS'] === 'true';
  return {
    lines: [...renderVerdicts(kernels, verbose), '', summary, ...(inActions ? annotations(kernels) : [])],
    result: {
      project: config.project,
      environment: config.environment,
      level: 'offline',
      kernels,
    },
    error:
      required.length === 0
        ? undefined
        : new BpfError(
            'REQUIRED_KERNEL_FAILED',
            `${config.project}@${config.environment} is not for ${required.map(({ kernel }) => kernel).join(', ')}`,
          ),
  };
}
