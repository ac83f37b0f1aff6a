import { readSync } from 'node:fs';
import { closeFd, iterCreate } from '../kernel';

/** The kernel hands out at most what its own buffer holds, eight pages. */
const bufferSize = 32 * 1024;

/**
 * What an iterator writes, piece by piece as the kernel hands it out: each walk sees the objects of its own moment.
 * A walk that is given up early is closed.
 *
 * @param link of an iterator: from {@link attachIter}, or opened from its pin
 * @throws BpfError SYSCALL_FAILED when it is no link of an iterator; what read(2) answers, where the walk fails
 *
 * @example
 * ```ts
 * for (const bytes of iterate(Link.open('/sys/fs/bpf/tasks'))) process.stdout.write(bytes);
 * ```
 */
export function* iterate(link: { readonly fd: number }): Generator<Uint8Array, void> {
  const fd = iterCreate(link.fd);
  try {
    const buffer = new Uint8Array(bufferSize);
    for (;;) {
      const length = readSome(fd, buffer);
      if (length === 0) return;
      // undefined: the kernel went through a million objects that the program wrote nothing of.
      if (length !== undefined) yield buffer.slice(0, length);
    }
  } finally {
    closeFd(fd);
  }
}

/**
 * All that an iterator writes, as text.
 *
 * @example
 * ```ts
 * iterText(link).split('\n');
 * ```
 */
export function iterText(link: { readonly fd: number }): string {
  return Buffer.concat([...iterate(link)]).toString('utf8');
}

/** bpf_seq_read() answers EAGAIN after a million objects without output, to let others run. */
function readSome(fd: number, buffer: Uint8Array): number | undefined {
  try {
    return readSync(fd, buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}
