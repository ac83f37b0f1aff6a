import { BpfError } from '../errors';
import { lastErrno, native } from './native';
import { Errno } from './errno';
import { failure, succeeded } from './failure';
import { systemText } from './system-file';
import { uninterrupted } from './uninterrupted';

/**
 * A file descriptor with one owner. Closing twice is harmless, use after close is an error: a bare number would by
 * then name some other file.
 *
 * @example
 * ```ts
 * const fd = new Fd(openPath('/sys/fs/bpf'), 'bpffs');
 * tryLock(fd.number, 'exclusive');
 * fd.close();
 * fd.open; // false
 * ```
 */
export class Fd implements Disposable {
  private value: number;

  constructor(
    number: number,
    readonly what: string,
  ) {
    this.value = number;
  }

  /** @throws BpfError INTERNAL after close() or release() */
  get number(): number {
    if (this.value < 0) throw new BpfError('INTERNAL', `${this.what}: used after it was closed`);
    return this.value;
  }

  get open(): boolean {
    return this.value >= 0;
  }

  close(): void {
    if (this.value < 0) return;
    const number = this.value;
    this.value = -1;
    closeFd(number);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Give the ownership away: the caller closes the returned number. */
  release(): number {
    const number = this.number;
    this.value = -1;
    return number;
  }

  /** A second owner of the same open file. */
  duplicate(): Fd {
    return new Fd(duplicateFd(this.number), this.what);
  }
}

/** Flags of open(2), from asm-generic/fcntl.h; those of directories differ between architectures. */
export const Open = { RDONLY: 0, WRONLY: 1, RDWR: 2, CLOEXEC: 0o2000000 } as const;

/**
 * open(2), close-on-exec always: a child that inherits an fd keeps its lock, link or map alive.
 *
 * @throws BpfError FILE
 *
 * @example
 * ```ts
 * const directory = openPath('/sys/fs/bpf');
 * closeFd(directory);
 * ```
 */
export function openPath(path: string, flags: number = Open.RDONLY): number {
  const { open } = native();
  const fd = uninterrupted(() => open(path, flags | Open.CLOEXEC, 0));
  if (fd < 0) throw failure(`open ${path}`, lastErrno(), { code: 'FILE', path });
  return fd;
}

/**
 * close(2). EBADF means that somebody closed what was ours, which is a bug; other errors come after the close.
 *
 * @example
 * ```ts
 * closeFd(openPath('/sys/fs/bpf'));
 * ```
 */
export function closeFd(fd: number): void {
  if (native().close(fd) < 0 && lastErrno() === Errno.EBADF) {
    throw failure(`close fd ${fd}`, Errno.EBADF, { code: 'INTERNAL' });
  }
}

/**
 * What there is to know of a new fd. It has no owner yet: where it cannot be looked at it is closed.
 *
 * @example
 * ```ts
 * const fd = openPath('/dev/null');
 * lookAtNew(fd, (number) => number === fd); // true
 * closeFd(fd);
 * ```
 */
export function lookAtNew<T>(fd: number, look: (fd: number) => T): T {
  try {
    return look(fd);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/**
 * fcntl(2) F_DUPFD_CLOEXEC: a further fd of the same open file.
 *
 * @example
 * ```ts
 * const second = duplicateFd(mapFd);
 * mapInfo(second).id === mapInfo(mapFd).id; // true
 * closeFd(second);
 * ```
 */
export function duplicateFd(fd: number): number {
  const duplicate = native().fcntl(fd, 1030, 0);
  return succeeded(duplicate < 0 ? -lastErrno() : duplicate, `dup fd ${fd}`);
}

/**
 * A line of /proc/thread-self/fdinfo: what the kernel says about an open file, `memlock` of a map or program for example.
 *
 * @returns undefined when there is no such line
 *
 * @example
 * ```ts
 * Number(fdInfoLine(mapFd, 'memlock')) > 0; // true
 * ```
 */
export function fdInfoLine(fd: number, name: string): string | undefined {
  const text = systemText(`/proc/thread-self/fdinfo/${fd}`);
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1];
}
