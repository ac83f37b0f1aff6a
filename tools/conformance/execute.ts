import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';

export interface ExecuteOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end.
 *
 * @throws Error with what it wrote to stderr
 */
export function execute(
  file: string,
  args: readonly string[],
  { cwd, env }: ExecuteOptions = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 26 };
    execFile(file, args, options, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(`${file}: ${stderr === '' ? error.message : stderr}`));
    });
  });
}

/** Calls `work` for each item, as many at a time as there are CPUs. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const next = async (): Promise<void> => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
}
