import path from 'node:path';
import { BpfError, kernelIdentity } from '@nx-bpf/loader';
import pc from 'picocolors';
import { annotations, errorJson, loadAnnotations, renderLoads, renderVerdicts } from '../report';
import { loadEach, recordFile, verify, writeRecord } from '../verify';
import { isFrozen, objectsOf, relocations } from './objects';
import { type Answer, type CommandInput } from './request';

/** Every program of the project against every kernel that the manifest names, or loaded into the one that runs. */
export function verifyProject(input: CommandInput): Promise<Answer> {
  return input.request.level === 'kernel' ? byKernel(input) : offline(input);
}

async function byKernel(input: CommandInput): Promise<Answer> {
  const { config, note, verbose, request } = input;
  const objects = await objectsOf(input);
  const cache = relocations(input);
  const programs = loadEach({ config, objects, cache, results: resultsOf(input), note });
  const { release, buildId = null } = kernelIdentity();
  const [error] = programs.flatMap(({ errors }) => errors);
  if (request.record === true) {
    const walked = programs.flatMap(({ program, insns }) =>
      insns === null ? [] : [[program, insns] as const],
    );
    writeRecord(config, release, Object.fromEntries(walked));
    note(`recorded in ${path.join(path.relative(config.workspaceRoot, config.projectRoot), recordFile)}`);
  }
  const title = pc.bold(`${config.project}@${config.environment}`);
  return {
    lines: [
      ...renderLoads(programs, verbose),
      '',
      error === undefined
        ? pc.green(`${title} is for the running kernel, ${release}`)
        : pc.red(`${title} is not for the running kernel, ${release}`),
    ],
    annotations: loadAnnotations(programs),
    result: {
      project: config.project,
      environment: config.environment,
      level: 'kernel',
      kernel: { release, buildId },
      programs: programs.map(({ errors, ...program }) => ({ ...program, errors: errors.map(errorJson) })),
    },
    error,
  };
}

async function offline(input: CommandInput): Promise<Answer> {
  const { config, note, verbose, request } = input;
  const frozen = isFrozen(config, request);
  const objects = await objectsOf(input);
  const kernels = await verify({ config, objects, results: resultsOf(input), note, frozen });
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
  return {
    lines: [...renderVerdicts(kernels, verbose), '', summary],
    annotations: annotations(kernels),
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

function resultsOf({ config }: CommandInput): string {
  return path.join(config.workspaceRoot, '.nx-bpf', 'cache', 'verified');
}
