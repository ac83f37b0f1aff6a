import { release } from 'node:os';
import { BpfError, runningKernelConfig } from './loader';

/** What a feature is tried with. */
export interface Trial {
  /** The file of an object by the name of its C file. */
  object(name: string): string;
  /** A bpffs of the trial's own. */
  readonly bpffs: string;
  /** Whether the kernel is of this version or a newer one. */
  atLeast(version: string): boolean;
}

/** The tables in docs/kernels.md, in their order. */
export type Group = 'Loader' | 'Probes' | 'Hooks' | 'Programs' | 'Agent' | 'Objects';

/** Something that the loader does on kernels that can: a row of the table in docs/kernels.md. */
export interface Feature {
  readonly name: string;
  readonly group: Group;
  /** First version of Linux that has it. */
  readonly since: string;
  /** Options that the kernel must have been built with. */
  readonly needs?: readonly string[];
  /** Uses it, and throws if it did not work. */
  use(trial: Trial): void | Promise<void>;
}

/**
 * What came of a feature on a kernel: `works`; `too old`, and the loader said so with an error of its own; `not built`,
 * the same on a kernel that lacks an option; `forbidden`, where the kernel has it and answers EPERM all the same;
 * `wrong`, which is everything else.
 */
export interface Result {
  readonly name: string;
  readonly group: Group;
  readonly since: string;
  readonly outcome: 'works' | 'too old' | 'not built' | 'forbidden' | 'wrong';
  /** What was thrown. */
  readonly error?: string;
  readonly milliseconds: number;
}

/** Tries a feature on the running kernel and compares what came of it with what the kernel's version says. */
export async function tryFeature(feature: Feature, trial: Trial): Promise<Result> {
  const start = performance.now();
  const error = await caught(() => feature.use(trial));
  const milliseconds = Math.round(performance.now() - start);
  const { name, group, since } = feature;
  return { name, group, since, milliseconds, ...judge(feature, trial, error) };
}

async function caught(run: () => void | Promise<void>): Promise<Error | undefined> {
  try {
    await run();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function judge(
  { since, needs = [] }: Feature,
  trial: Trial,
  error: Error | undefined,
): Pick<Result, 'outcome' | 'error'> {
  const old = !trial.atLeast(since);
  if (error === undefined) {
    return old
      ? { outcome: 'wrong', error: `it works, although it is said to be since ${since}` }
      : { outcome: 'works' };
  }
  const text = error.stack ?? error.message;
  // A refusal is one that the loader explains; anything else is a mistake of ours on any kernel.
  if (!(error instanceof BpfError)) return { outcome: 'wrong', error: text };
  if (old) return { outcome: 'too old', error: error.message };
  const config = runningKernelConfig();
  const missing = needs.filter((option) => !['y', 'm'].includes(config.get(option) ?? ''));
  if (missing.length > 0) return { outcome: 'not built', error: `${missing.join(', ')}: ${error.message}` };
  return error.fields.errno === 'EPERM'
    ? { outcome: 'forbidden', error: error.message }
    : { outcome: 'wrong', error: text };
}

/** Whether the running kernel is of this version or a newer one: `6.12.117+deb12-cloud-amd64` is at least `6.12`. */
export function kernelIsAtLeast(version: string): boolean {
  const [major = 0, minor = 0] = numbers(release());
  const [wantedMajor = 0, wantedMinor = 0] = numbers(version);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function numbers(version: string): number[] {
  return version.split('.', 2).map((part) => parseInt(part, 10));
}
