import fs from 'node:fs';
import { BpfError, Btf, objectDigest, type ObjectSpec, type RelocatedObject } from '@nx-bpf/loader';
import { Problems, type PacketConfig, type ProjectConfig, type RunConfig } from '../manifest';
import { prepareRuns, type RunObject } from './prepare-runs';
import { type Results } from './results';
import { runCheck, type RunVerdict } from './run-check';

/** Part of the key of a stored result: another form of it is another number. */
const FORMAT = 'run-1';

/** How a check of a program went, and what was not as expected. */
export interface RunResult {
  readonly verdict: RunVerdict;
  readonly errors: readonly BpfError[];
}

/** Complains of everything that can be told of the checks of an object's programs without running them. */
export function checkRuns(config: ProjectConfig, spec: ObjectSpec, problems: Problems): void {
  if (config.runs.length === 0) return;
  prepareRuns(
    config,
    spec,
    spec.programs.map(({ name }) => name),
    problems,
  );
}

/** A function of an object, and where to get that relocated, if it has to be. */
export interface RunSubject {
  readonly program: string;
  readonly object: string;
  readonly function: string;
  /** What a result depends on beside the check itself. */
  readonly asked: unknown;
  readonly relocated: () => RelocatedObject;
}

/**
 * Runs the checks of a program, each with maps of its own. What passed before is not run again.
 *
 * @throws BpfError MANIFEST_INVALID
 */
export function runChecks(config: ProjectConfig, subject: RunSubject, results: Results): RunResult[] {
  return config.runs
    .filter(({ program }) => program === subject.program)
    .map((run) => {
      try {
        const inputs = [FORMAT, subject.asked, run, digests(run), contentsOf(config)];
        const passed = results.get(inputs, () => {
          const result = once({ ...config, runs: [run] }, subject);
          if (result.errors.length > 0) throw new NotAsExpected(result);
          return result.verdict;
        });
        return { verdict: passed, errors: [] };
      } catch (error) {
        if (error instanceof NotAsExpected) return error.result;
        if (!(error instanceof BpfError) || error.code === 'MANIFEST_INVALID') throw error;
        return { verdict: { name: run.name, passed: false, returned: null }, errors: [error] };
      }
    });
}

/** Carries a result past what would keep it. */
class NotAsExpected extends Error {
  constructor(readonly result: RunResult) {
    super('a check failed');
  }
}

function once(config: ProjectConfig, subject: RunSubject): RunResult {
  const problems = new Problems();
  const relocated = subject.relocated();
  const btf = relocated.btf && Btf.parse(relocated.btf, { object: subject.object });
  const object: RunObject = { ...relocated, name: subject.object, btf };
  const prepared = prepareRuns(config, object, [subject.function], problems);
  problems.throwIfAny();
  return runCheck(relocated, subject.function, prepared[0]!);
}

function digests({ packet, expect }: RunConfig): unknown {
  return [packet, expect.output].map((each: PacketConfig | undefined) =>
    each !== undefined && 'file' in each ? digestOf(each.file) : null,
  );
}

/** What the manifest puts into maps. */
function contentsOf({ maps }: ProjectConfig): unknown {
  return Object.entries(maps).map(([name, { contents }]) => [
    name,
    contents ?? null,
    contents !== undefined && 'file' in contents.from ? digestOf(contents.from.file) : null,
  ]);
}

/** Null: it cannot be read, which is said where it is used. */
function digestOf(file: string): string | null {
  return fs.existsSync(file) ? objectDigest(fs.readFileSync(file)) : null;
}
