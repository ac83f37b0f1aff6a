import path from 'node:path';
import { BpfError, kernelIdentity } from '@nx-bpf/loader';
import pc from 'picocolors';
import {
  annotations,
  errorJson,
  loadAnnotations,
  machineAnnotations,
  renderLoads,
  renderMachines,
  renderVerdicts,
} from '../report';
import { loadEach, loadInMachines, recordFile, verify, writeRecord, type MachineVerdict } from '../verify';
import { isFrozen, objectsOf, relocations } from './objects';
import { outputDirectory } from './output-directory';
import { type Answer, type CommandInput } from './request';

const levels = { offline, kernel: byKernel, vm: inMachines };

/**
 * Every program of the project against every kernel that the manifest names, by their types or booted, or loaded into
 * the one that runs; at several levels one after the other.
 *
 * @throws BpfError USAGE for what is no level
 */
export async function verifyProject(input: CommandInput): Promise<Answer> {
  const names = levelsOf(input.request.level ?? 'offline');
  const answers: Answer[] = [];
  for (const name of names) answers.push(await levels[name](input));
  const [only] = answers;
  if (answers.length === 1) return only!;
  const { config } = input;
  return {
    lines: answers.flatMap(({ lines }, i) => [
      ...(i === 0 ? [] : ['']),
      pc.bold(`At level ${names[i]}`),
      '',
      ...lines,
    ]),
    annotations: answers.flatMap((answer) => answer.annotations ?? []),
    result: {
      project: config.project,
      environment: config.environment,
      level: names.join(','),
      levels: answers.map(({ result }) => result),
    },
    error: answers.find(({ error }) => error !== undefined)?.error,
  };
}

function levelsOf(text: string): (keyof typeof levels)[] {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (!Object.hasOwn(levels, name))
      throw new BpfError('USAGE', `--level ${text}`, {
        found: `'${name}'`,
        expected: 'offline, kernel, vm, or several of them with commas',
      });
  }
  return [...new Set(names)] as (keyof typeof levels)[];
}

async function inMachines(input: CommandInput): Promise<Answer> {
  const { config, note, progress, verbose, request } = input;
  const { jobs, timeout } = request;
  const frozen = isFrozen(config, request);
  const objects = await objectsOf(input);
  const consoles = outputDirectory(config);
  const results = resultsOf(input);
  const cache = relocations(input);
  const kernels = await loadInMachines({
    config,
    objects,
    cache,
    results,
    consoles,
    note,
    progress,
    frozen,
    jobs,
    timeout,
  });
  const tried = kernels.filter(({ untried }) => untried === null);
  return {
    lines: [
      ...renderMachines(kernels, verbose),
      '',
      [...(tried.length > 0 ? [summary(input, tried, 'loads on')] : []), ...untried(kernels)].join('; '),
    ],
    annotations: machineAnnotations(kernels),
    result: {
      project: config.project,
      environment: config.environment,
      level: 'vm',
      kernels: kernels.map(({ programs, error, ...kernel }) => ({
        ...kernel,
        programs: programs.map(({ errors, ...program }) => ({ ...program, errors: errors.map(errorJson) })),
        error: error === null ? null : errorJson(error),
      })),
    },
    error:
      requiredError(input, tried) ??
      kernels.find(({ error, untried }) => error !== null && untried !== null)?.error ??
      undefined,
  };
}

function untried(kernels: readonly MachineVerdict[]): string[] {
  const those = kernels.filter(({ untried }) => untried !== null);
  const names = those.map(({ kernel, required }) => (required ? `${kernel} (required)` : kernel)).join(', ');
  const colour = those.some(({ required }) => required) ? pc.red : pc.yellow;
  return those.length === 0 ? [] : [colour(`not tried: ${names}`)];
}

interface KernelOutcome {
  readonly kernel: string;
  readonly required: boolean;
  readonly success: boolean;
}

/** @param verb what the project does on its kernels if all is well */
function summary({ config }: CommandInput, kernels: readonly KernelOutcome[], verb: string): string {
  const title = pc.bold(`${config.project}@${config.environment}`);
  const failed = kernels.filter(({ success }) => !success);
  if (failed.length === 0)
    return pc.green(
      `${title} ${verb} ${kernels.length === 1 ? 'its kernel' : `all ${kernels.length} kernels`}`,
    );
  const names = failed
    .map(({ kernel, required }) => (required ? kernel : `${kernel} (not required)`))
    .join(', ');
  return (failed.some(({ required }) => required) ? pc.red : pc.yellow)(`${title} is not for ${names}`);
}

function requiredError({ config }: CommandInput, kernels: readonly KernelOutcome[]): BpfError | undefined {
  const names = kernels.filter(({ success, required }) => required && !success).map(({ kernel }) => kernel);
  if (names.length === 0) return undefined;
  return new BpfError(
    'REQUIRED_KERNEL_FAILED',
    `${config.project}@${config.environment} is not for ${names.join(', ')}`,
  );
}

async function byKernel(input: CommandInput): Promise<Answer> {
  const { config, note, progress, verbose, request } = input;
  const objects = await objectsOf(input);
  const cache = relocations(input);
  const programs = loadEach({ config, objects, cache, results: resultsOf(input), note, progress });
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
  const { config, note, progress, verbose, request } = input;
  const frozen = isFrozen(config, request);
  const objects = await objectsOf(input);
  const kernels = await verify({ config, objects, results: resultsOf(input), note, progress, frozen });
  return {
    lines: [...renderVerdicts(kernels, verbose), '', summary(input, kernels, 'relocates for')],
    annotations: annotations(kernels),
    result: {
      project: config.project,
      environment: config.environment,
      level: 'offline',
      kernels,
    },
    error: requiredError(input, kernels),
  };
}

function resultsOf({ config }: CommandInput): string {
  return path.join(config.workspaceRoot, '.nx-bpf', 'cache', 'verified');
}
