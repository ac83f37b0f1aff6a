import { lstatSync, statSync } from 'node:fs';
import { failure } from './failure';
import { Errno } from './errno';
import { closeFd } from './fd';
import { lastErrno, native } from './native';
import { uninterrupted } from './uninterrupted';

/** What statx(2) says of a file. */
export interface FileStatus {
  /** Kind and permissions, as `st_mode` has them. */
  readonly mode: number;
  readonly uid: number;
  readonly size: number;
  /** Device, inode, size, and the times of the last change of contents and of status, to the nanosecond. */
  readonly stamp: string;
  /** Milliseconds since 1970 of the later of the two times. */
  readonly changed: number;
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const STATX_BASIC_STATS = 0x7ff;

/** `struct statx` of include/uapi/linux/stat.h: 256 bytes, the same on every architecture. */
const answer = Buffer.alloc(256);
const place = { mode: 28, uid: 20, inode: 32, size: 40, changed: 96, modified: 112, major: 136, minor: 140 };

/**
 * statx(2). What `fs.stat` tells, for a fraction of the time that its first call in a process takes.
 *
 * @param options follow: symbolic links, by default
 * @returns undefined where nothing is
 * @throws BpfError FILE for a place that cannot be looked at
 *
 * @example
 * ```ts
 * fileStatus('/no/such/file'); // undefined
 * ```
 */
export function fileStatus(
  path: string,
  options: { readonly follow?: boolean } = {},
): FileStatus | undefined {
  if (process.platform !== 'linux') return statusElsewhere(path, options.follow !== false);
  const flags = options.follow === false ? AT_SYMLINK_NOFOLLOW : 0;
  if (native().statx(AT_FDCWD, path, flags, STATX_BASIC_STATS, answer) < 0) {
    const errno = lastErrno();
    if (errno === Errno.ENOENT || errno === Errno.ENOTDIR) return undefined;
    throw failure(`${path} cannot be looked at`, errno, { code: 'FILE', path });
  }
  // A time is 64 bits of seconds and 32 of nanoseconds.
  const seconds = (at: number): number => answer.readUInt32LE(at) + 2 ** 32 * answer.readInt32LE(at + 4);
  const nanoseconds = (at: number): number => answer.readUInt32LE(at + 8);
  const number = (at: number): number => answer.readUInt32LE(at) + 2 ** 32 * answer.readUInt32LE(at + 4);
  const milliseconds = (at: number): number => seconds(at) * 1000 + nanoseconds(at) / 1e6;
  const time = (at: number): string => `${seconds(at)}.${nanoseconds(at)}`;
  const { changed, modified } = place;
  const size = number(place.size);
  return {
    mode: answer.readUInt16LE(place.mode),
    uid: answer.readUInt32LE(place.uid),
    size,
    stamp: [
      `${answer.readUInt32LE(place.major)}:${answer.readUInt32LE(place.minor)}`,
      answer.readBigUInt64LE(place.inode),
      ...[size, time(modified), time(changed)],
    ].join(' '),
    changed: Math.max(milliseconds(changed), milliseconds(modified)),
  };
}

/** The same through Node, for what is done with objects on other systems. */
function statusElsewhere(path: string, follow: boolean): FileStatus | undefined {
  const stat = (follow ? statSync : lstatSync)(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const { mode, uid, size, dev, ino, mtimeNs, ctimeNs } = stat;
  return {
    mode: Number(mode),
    uid: Number(uid),
    size: Number(size),
    stamp: [dev, ino, size, mtimeNs, ctimeNs].join(' '),
    changed: Math.max(Number(stat.mtimeMs), Number(stat.ctimeMs)),
  };
}

const FIRST_READ = 32 * 1024;

/**
 * The whole of a small file.
 *
 * @param limit the most bytes that it may have
 * @returns undefined where it is not there, cannot be read or is longer
 *
 * @example
 * ```ts
 * readQuickly('/proc/sys/kernel/ostype', 64)?.length; // 6
 * ```
 */
export function readQuickly(path: string, limit: number): Buffer | undefined {
  const { open, read } = native();
  const fd = uninterrupted(() => open(path, 0o2000000, 0));
  if (fd < 0) return undefined;
  try {
    // Files of /proc and /sys do not say how long they are: grown as it turns out.
    let bytes = Buffer.allocUnsafeSlow(Math.min(limit + 1, FIRST_READ));
    for (let length = 0; ;) {
      const rest = bytes.subarray(length);
      const got = uninterrupted(() => read(fd, rest, rest.length));
      if (got < 0) return undefined;
      length += got;
      if (got === 0) return bytes.subarray(0, length);
      if (length < bytes.length) continue;
      if (length > limit) return undefined;
      const longer = Buffer.allocUnsafeSlow(Math.min(limit + 1, 8 * length));
      bytes.copy(longer);
      bytes = longer;
    }
  } finally {
    closeFd(fd);
  }
}

/**
 * mkdir(2).
 *
 * @returns 0, or the negative error number
 *
 * @example
 * ```ts
 * makeDirectoryQuickly('/', 0o700) === -Errno.EEXIST; // true
 * ```
 */
export function makeDirectoryQuickly(path: string, mode: number): number {
  return native().mkdir(path, mode) < 0 ? -lastErrno() : 0;
}
