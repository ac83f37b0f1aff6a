import { readlinkSync } from 'node:fs';
import { BpfError } from '../errors';
import { Errno } from './errno';
import { failure } from './failure';
import { closeFd, lookAtNew } from './fd';
import { objectGet, objectPin, type ObjectKind } from './objects';

/**
 * How /proc/self/fd shows BPF objects (kernel/bpf): a link is spelled one way by who made it, and the other way when
 * it is opened by pin or id.
 */
const anonymousNames: Readonly<Record<string, ObjectKind>> = {
  'anon_inode:bpf-prog': 'program',
  'anon_inode:bpf-map': 'map',
  'anon_inode:bpf_link': 'link',
  'anon_inode:bpf-link': 'link',
  'anon_inode:btf': 'btf',
};

/**
 * What kind of object an fd is of; undefined for another file. BPF_OBJ_GET_INFO_BY_FD does not tell: it answers for
 * every kind, in the kind's own struct.
 *
 * @example
 * ```ts
 * objectKind(mapFd); // 'map'
 * objectKind(0); // undefined, standard input
 * ```
 */
export function objectKind(fd: number): ObjectKind | undefined {
  return anonymousNames[readlinkSync(`/proc/self/fd/${fd}`)];
}

/**
 * Open what is pinned at a path, which must be of the given kind.
 *
 * @param flags BPF_F_RDONLY or BPF_F_WRONLY, for maps
 * @returns its fd
 * @throws BpfError PIN_NOT_FOUND, PIN_INVALID when the path is no pin or holds another kind of object
 *
 * @example
 * ```ts
 * const fd = openPin('/sys/fs/bpf/hits', 'map');
 * mapInfo(fd).name; // 'hits'
 * closeFd(fd);
 * ```
 */
export function openPin(path: string, kind: ObjectKind, flags = 0): number {
  const fd = objectGet(path, flags);
  if (fd < 0) throw openFailed(path, kind, fd);
  const found = lookAtNew(fd, objectKind);
  if (found === kind) return fd;
  closeFd(fd);
  throw new BpfError('PIN_INVALID', `${path} does not hold a ${kind}`, {
    path,
    found: `a ${found ?? 'file of another kind'}`,
    expected: `a ${kind}`,
  });
}

function openFailed(path: string, kind: ObjectKind, errno: number): BpfError {
  switch (-errno) {
    case Errno.ENOENT:
      return failure(`no ${kind} is pinned at ${path}`, errno, { code: 'PIN_NOT_FOUND', path });
    case Errno.EACCES:
      return failure(`${path}: not opened`, errno, {
        code: 'PIN_INVALID',
        path,
        hint: 'either it is not on a bpf file system, or its mode does not let this user read and write it',
      });
    default:
      return failure(`${path}: not opened`, errno, {
        code: 'PIN_INVALID',
        path,
        hint: 'pins are on a bpf file system',
      });
  }
}

/**
 * Pin an object: it then lives as long as the pin, beyond this process.
 *
 * @param what the object as messages name it: `map 'hits'`
 * @throws BpfError PIN_EXISTS, PIN_INVALID for a path that is not on a bpf file system or a name with a dot,
 *   PIN_FAILED
 *
 * @example
 * ```ts
 * pinObject(mapFd, "map 'hits'", '/sys/fs/bpf/hits-again');
 * ```
 */
export function pinObject(fd: number, what: string, path: string): void {
  const result = objectPin(fd, path);
  if (result < 0) throw pinFailed(what, path, result);
}

function pinFailed(what: string, path: string, errno: number): BpfError {
  const text = `${what}: not pinned at ${path}`;
  switch (-errno) {
    case Errno.EEXIST:
      return failure(text, errno, {
        code: 'PIN_EXISTS',
        path,
        hint: 'remove the pin that is there, or choose another path',
      });
    case Errno.ENOENT:
      return failure(text, errno, { code: 'PIN_FAILED', path, hint: 'create its directory first' });
    case Errno.EPERM:
    case Errno.EINVAL:
      return failure(text, errno, {
        code: 'PIN_INVALID',
        path,
        hint: 'the path must be on a bpf file system, and its last part without a dot',
      });
    default:
      return failure(text, errno, { code: 'PIN_FAILED', path });
  }
}
