import { lastErrno, native } from './native';
import { Errno } from './errno';
import { failure, succeeded } from './failure';
import { uninterrupted } from './uninterrupted';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;

/**
 * flock(2) without waiting. Works on an fd of a directory, bpffs included. The lock is the open file's: it goes when
 * the last duplicate of the fd is closed, a child's included, so the fd must be close-on-exec (those of
 * {@link openPath} are).
 *
 * @returns false when somebody else holds the lock
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * const directory = openPath('/sys/fs/bpf');
 * tryLock(directory, 'exclusive'); // true, until it is closed
 * closeFd(directory);
 * ```
 */
export function tryLock(fd: number, kind: 'shared' | 'exclusive'): boolean {
  const operation = (kind === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB;
  const { flock } = native();
  if (uninterrupted(() => flock(fd, operation)) === 0) return true;
  const errno = lastErrno();
  if (errno === Errno.EAGAIN) return false;
  throw failure('flock', errno);
}

/**
 * Give a lock back before the fd is closed.
 *
 * @example
 * ```ts
 * const directory = openPath('/sys/fs/bpf');
 * if (tryLock(directory, 'exclusive')) unlock(directory);
 * closeFd(directory);
 * ```
 */
export function unlock(fd: number): void {
  const { flock } = native();
  succeeded(uninterrupted(() => flock(fd, LOCK_UN)) < 0 ? -lastErrno() : 0, 'flock');
}

/** AT_FDCWD: paths are relative to the working directory. */
const workingDirectory = -100;

/** Flags of renameat2(2). */
export const Rename = { NOREPLACE: 1, EXCHANGE: 2 } as const;

/**
 * renameat2(2): rename without replacing, or exchange two names in one step.
 *
 * @returns 0, or the negative error number: EEXIST with NOREPLACE when the new name is taken, EINVAL where the file
 *   system knows no such flag (bpffs knows both, EXCHANGE since 3871cb8cf741, Linux 5.16)
 *
 * @example
 * ```ts
 * pinObject(mapFd, "map 'hits'", '/sys/fs/bpf/new');
 * renameFlags('/sys/fs/bpf/new', '/sys/fs/bpf/hits', Rename.EXCHANGE); // 0
 * renameFlags('/sys/fs/bpf/new', '/sys/fs/bpf/hits', Rename.NOREPLACE) === -Errno.EEXIST; // true
 * unpin('/sys/fs/bpf/new');
 * ```
 */
export function renameFlags(from: string, to: string, flags: number): number {
  const { renameat2, numbers } = native();
  const result = renameat2(numbers.renameat2, workingDirectory, from, workingDirectory, to, flags);
  return result < 0 ? -lastErrno() : 0;
}

/** ioctl(2) with a number as argument. Returns its result, or the negative error number. */
export function ioctl(fd: number, request: number, argument = 0): number {
  const result = native().ioctl(fd, request, argument);
  return result < 0 ? -lastErrno() : result;
}

/** `f_type` of statfs(2) for the file systems that matter here, from include/uapi/linux/magic.h. */
export const fileSystemMagic = {
  bpffs: 0xcafe4a11,
  tracefs: 0x74726163,
  debugfs: 0x64626720,
  cgroup2: 0x63677270,
} as const;

/**
 * Magic number of the file system that holds a path.
 *
 * @returns undefined if there is no such path
 *
 * @example
 * ```ts
 * fileSystemType('/sys/fs/bpf') === fileSystemMagic.bpffs; // true
 * fileSystemType('/no/such/path'); // undefined
 * ```
 */
export function fileSystemType(path: string): number | undefined {
  // struct statfs starts with f_type, a long; 256 bytes hold it on every 64-bit architecture.
  const buffer = new Uint8Array(256);
  const { statfs } = native();
  if (uninterrupted(() => statfs(path, buffer)) < 0) {
    const errno = lastErrno();
    if (errno === Errno.ENOENT) return undefined;
    if (errno === Errno.EACCES) {
      throw failure(`${path} cannot be looked at`, errno, {
        code: 'PRIVILEGE_MISSING',
        path,
        hint: 'a directory above it is closed to this user: run it as root, or name a place that is open to this user',
      });
    }
    throw failure(`statfs ${path}`, errno, { code: 'FILE', path });
  }
  return new DataView(buffer.buffer).getUint32(0, true);
}
