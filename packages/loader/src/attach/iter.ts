import { BpfError } from '../errors';
import { closeFd, linkCreate, openPath, openPin } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { iterCauses } from './causes';
import { cgroupPath } from './cgroup-path';
import { attached } from './failure';
import { Link } from './link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { requireTarget } from './target';

/** `enum bpf_cgroup_iter_order` of include/uapi/linux/bpf.h. */
export const iterOrders = { self: 1, descendants_pre: 2, descendants_post: 3, ancestors_up: 4 } as const;

export interface IterOptions {
  /** What is walked (`task`, `bpf_map_elem`); it must be what the program was loaded for. */
  readonly name?: string | undefined;
  /** The map whose elements are walked, or the path of its pin. */
  readonly map?: { readonly fd: number } | string | undefined;
  /** Only the threads of this process (Linux 6.1). */
  readonly pid?: number | undefined;
  /** Only this thread (Linux 6.1). */
  readonly tid?: number | undefined;
  /** The cgroup to start from (Linux 6.1); absolute, or from the root of the cgroup v2 hierarchy. */
  readonly cgroup?: string | undefined;
  /** Which cgroups follow: by default those below it, parents first. */
  readonly order?: keyof typeof iterOrders | undefined;
}

/**
 * Attach an iterator: a program that the kernel calls for each of its objects of a kind, whenever somebody reads the
 * link (Linux 5.8). {@link iterText} reads it; so does cat(1), once it is pinned.
 *
 * @throws BpfError CGROUP_NOT_FOUND, PIN_NOT_FOUND for a map that is not there, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachIter(program, { pid: process.pid });
 * iterText(link); // what the program wrote of each thread
 * ```
 */
export function attachIter(program: AttachableProgram, options: IterOptions = {}): Link {
  requireType(program, 'iter', [ProgramType.tracing]);
  const name = requireTarget(program, 'iter', options.name);
  const where = ['iter', ...(name === undefined ? [] : [name]), ...parameterText(options)].join(' ');
  return withParameter(program, options, (parameter) => {
    const result = linkCreate(
      { prog_fd: program.fd, attach_type: AttachType.trace_iter },
      'iter',
      parameter === undefined ? {} : { iter_info: parameter, iter_info_len: parameter.length },
    );
    return new Link(attached(result, { program, where, needs: ['CAP_PERFMON'], causes: iterCauses }), where);
  });
}

/**
 * Runs an action with `union bpf_iter_link_info`: a map's fd; a thread, a process; or an order and a cgroup's fd.
 * Kernels of shorter unions take it as long as what they do not know is zero.
 */
function withParameter<T>(
  program: AttachableProgram,
  options: IterOptions,
  action: (parameter: Uint8Array | undefined) => T,
): T {
  const { map, pid, tid, cgroup, order = 'descendants_pre' } = options;
  const given = [map, pid, tid, cgroup].filter((value) => value !== undefined);
  if (given.length > 1) {
    throw new BpfError(
      'ATTACH_FAILED',
      `program '${program.name}': attach to iter: several starts are given`,
      {
        program: program.name,
        expected: 'at most one of map, pid, tid and cgroup',
      },
    );
  }
  if (typeof map === 'string') return withFd(openPin(map, 'map'), (fd) => action(words(fd)));
  if (map !== undefined) return action(words(map.fd));
  if (pid !== undefined) return action(words(0, pid));
  if (tid !== undefined) return action(words(tid));
  if (cgroup === undefined) return action(undefined);
  return withFd(openPath(cgroupPath(cgroup)), (fd) => action(words(iterOrders[order], fd)));
}

function withFd<T>(fd: number, action: (fd: number) => T): T {
  try {
    return action(fd);
  } finally {
    closeFd(fd);
  }
}

function words(first: number, second = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, first, true);
  view.setUint32(4, second, true);
  return bytes;
}

function parameterText({ map, pid, tid, cgroup }: IterOptions): string[] {
  if (map !== undefined) return [typeof map === 'string' ? `of the map at ${map}` : 'of a map'];
  if (pid !== undefined) return [`of process ${pid}`];
  if (tid !== undefined) return [`of thread ${tid}`];
  return cgroup === undefined ? [] : [`from cgroup ${cgroup}`];
}
