import { execFile } from 'node:child_process';
import { callingUser } from './calling-user';

export interface Execution {
  /** 0 is success; null if a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program with an argument list (no shell) and an environment of its own: variables that change what clang
 * does (CPATH, C_INCLUDE_PATH, CCC_OVERRIDE_OPTIONS, ...) do not reach it, and its messages are in English. Called
 * through sudo, it runs as the user who called.
 *
 * @returns undefined if the program does not exist or may not be executed
 * @throws Error if it could not be started for another reason
 */
export function execute(
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<Execution | undefined> {
  const { PATH, TMPDIR } = process.env;
  const env = {
    LC_ALL: 'C',
    ...(PATH === undefined ? {} : { PATH }),
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
  };
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...args],
      { cwd, env, maxBuffer: 1 << 26, ...callingUser() },
      (error, stdout, stderr) => {
        const code = error?.code;
        if (code === 'ENOENT' || code === 'EACCES') resolve(undefined);
        else if (typeof code === 'string') reject(error!);
        else resolve({ status: error === null ? 0 : (code ?? null), stdout, stderr });
      },
    );
  });
}
