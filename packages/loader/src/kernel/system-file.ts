import { readFileSync } from 'node:fs';
import { BpfError } from '../errors';

/**
 * A file that the kernel makes, below /proc or /sys, and that is needed.
 *
 * @throws BpfError FILE where it is not there or closed to this process, as in a container that hides it
 */
export function systemFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    throw new BpfError(
      'FILE',
      `${path} cannot be read`,
      {
        path,
        errno: code,
        hint:
          code === 'ENOENT'
            ? 'mount /proc and /sys, if they are not; else the kernel is built without what the file tells'
            : undefined,
      },
      error,
    );
  }
}

/** The same, as text of single bytes. */
export function systemText(path: string): string {
  return systemFile(path).toString('latin1');
}
