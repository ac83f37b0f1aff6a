import { type BpfError } from '../errors';
import { TOKEN_CREATE } from './attributes';
import { bpfCall } from './bpf';
import { Errno } from './errno';
import { failure } from './failure';
import { Fd, openPath } from './fd';

/**
 * `BPF_F_TOKEN_FD` of uapi/linux/bpf.h, a flag of maps and programs, and of BTF: the fd of a token counts. Maps,
 * programs and BTF number their flags apart, but this one is the same for all.
 */
const BPF_F_TOKEN_FD = 1 << 16;

/**
 * BPF_TOKEN_CREATE (Linux 6.9): the rights that the bpffs at a path delegates to this process's user namespace. A
 * token can only be made in the user namespace that the bpffs was mounted for, with CAP_BPF there.
 *
 * @returns undefined if nothing is delegated there
 * @throws BpfError PRIVILEGE_MISSING where the process or the namespace is not the right one, NO_BPFFS for a path on
 *   another file system, FILE for one that cannot be opened, SYSCALL_FAILED
 */
export function tokenOf(path: string): Fd | undefined {
  const bpffs = new Fd(openPath(path), path);
  try {
    const { result } = bpfCall('BPF_TOKEN_CREATE', TOKEN_CREATE, { bpffs_fd: bpffs.number });
    if (result >= 0) return new Fd(result, 'BPF token');
    if (result === -Errno.ENOENT) return undefined;
    throw refused(path, -result);
  } finally {
    bpffs.close();
  }
}

function refused(path: string, errno: number): BpfError {
  const what = `BPF token from ${path}: BPF_TOKEN_CREATE`;
  switch (errno) {
    case Errno.EOPNOTSUPP:
      return failure(what, errno, {
        code: 'PRIVILEGE_MISSING',
        path,
        hint: 'this process is in the initial user namespace, where capabilities count and tokens do not: leave the token out',
      });
    case Errno.EPERM:
      return failure(what, errno, {
        code: 'PRIVILEGE_MISSING',
        path,
        hint: 'a token takes CAP_BPF in the user namespace that the bpffs was mounted for, and that must be this one',
      });
    case Errno.EINVAL:
      return failure(what, errno, {
        code: 'NO_BPFFS',
        path,
        hint: 'name the directory where a bpffs is mounted; tokens take Linux 6.9',
      });
    default:
      return failure(what, errno, { path });
  }
}

/** What BPF_MAP_CREATE, BPF_PROG_LOAD and BPF_BTF_LOAD are told of a token. */
export function withToken(flags: number | undefined, token: number | undefined): number | undefined {
  return token === undefined ? flags : (flags ?? 0) | BPF_F_TOKEN_FD;
}
