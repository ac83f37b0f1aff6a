import { BpfError } from './bpf-error';

/**
 * What node:fs throws, as an error of ours: which call it was, on which path, and why. Anything else stays as it is.
 *
 * @example
 * ```ts
 * const thrown = { code: 'ENOSPC', syscall: 'mkdir', path: '/sys/fs/bpf/p' };
 * const failed = fileFailure(Object.assign(new Error(), thrown)) as BpfError;
 * failed.message; // 'mkdir /sys/fs/bpf/p: ENOSPC'
 * ```
 */
export function fileFailure(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof BpfError) return error;
  const { syscall, code, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  if (syscall === undefined || code === undefined) return error;
  const places = [path, dest].filter((place) => place !== undefined).join(' -> ');
  return new BpfError(
    'FILE',
    `${syscall} ${places || 'of an open file'}: ${code}`,
    { path, errno: code },
    error,
  );
}
