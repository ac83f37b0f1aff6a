import { BTF_LOAD, ENABLE_STATS, ID, OBJ } from './attributes';
import { bpfCall } from './bpf';
import { type CommandName } from './commands';
import { Errno } from './errno';
import { failure, succeeded } from './failure';
import { decode } from './layout';
import { withToken } from './token';

/** Kinds of objects that the kernel numbers. */
export type ObjectKind = 'program' | 'map' | 'btf' | 'link';

const nextIdCommand = {
  program: 'BPF_PROG_GET_NEXT_ID',
  map: 'BPF_MAP_GET_NEXT_ID',
  btf: 'BPF_BTF_GET_NEXT_ID',
  link: 'BPF_LINK_GET_NEXT_ID',
} as const satisfies Record<ObjectKind, CommandName>;

const fdByIdCommand = {
  program: 'BPF_PROG_GET_FD_BY_ID',
  map: 'BPF_MAP_GET_FD_BY_ID',
  btf: 'BPF_BTF_GET_FD_BY_ID',
  link: 'BPF_LINK_GET_FD_BY_ID',
} as const satisfies Record<ObjectKind, CommandName>;

/**
 * BPF_OBJ_PIN. Returns 0 or the negative error number: EEXIST, ENOENT (no such directory), EPERM (not on bpffs, or a
 * name with a dot).
 */
export function objectPin(fd: number, path: string): number {
  return bpfCall('BPF_OBJ_PIN', OBJ, { bpf_fd: fd, pathname: path }).result;
}

/** BPF_OBJ_GET: an fd of what is pinned, or the negative error number. `flags`: BPF_F_RDONLY, BPF_F_WRONLY for maps. */
export function objectGet(path: string, flags = 0): number {
  return bpfCall('BPF_OBJ_GET', OBJ, { pathname: path, file_flags: flags }).result;
}

/**
 * The id that follows `id`; undefined after the last.
 *
 * @example
 * ```ts
 * for (let id = nextId('map', 0); id !== undefined; id = nextId('map', id)) console.log(id);
 * ```
 */
export function nextId(kind: ObjectKind, id: number): number | undefined {
  const command = nextIdCommand[kind];
  const { result, attributes } = bpfCall(command, ID, { id });
  if (result === -Errno.ENOENT) return undefined;
  succeeded(result, command, { needs: ['CAP_SYS_ADMIN'] });
  return decode(ID, attributes.bytes).next_id;
}

/**
 * Every id of a kind, in rising order.
 *
 * @example
 * ```ts
 * allIds('program').includes(programInfo(programFd).id); // true
 * ```
 */
export function allIds(kind: ObjectKind): number[] {
  const ids: number[] = [];
  for (let id = nextId(kind, 0); id !== undefined; id = nextId(kind, id)) ids.push(id);
  return ids;
}

/**
 * An fd of the object with this id; undefined if it is gone.
 *
 * @example
 * ```ts
 * const fd = fdById('map', mapInfo(mapFd).id);
 * if (fd !== undefined) closeFd(fd);
 * fdById('map', 0x7fffffff); // undefined
 * ```
 */
export function fdById(kind: ObjectKind, id: number): number | undefined {
  const command = fdByIdCommand[kind];
  const { result } = bpfCall(command, ID, { id });
  if (result === -Errno.ENOENT) return undefined;
  if (result < 0) throw failure(`${command} ${id}`, result, { needs: ['CAP_SYS_ADMIN'] });
  return result;
}

/**
 * BPF_BTF_LOAD. Returns the fd, or the negative error number; `log` receives the reason where given, and
 * the rights are those of `token` where that is.
 *
 * @example
 * ```ts
 * const builder = new BtfBuilder();
 * builder.int('int', 4, IntEncoding.SIGNED);
 * const fd = btfLoad(builder.build());
 * btfInfo(fd).kernel; // false
 * closeFd(fd);
 * ```
 */
export function btfLoad(btf: Uint8Array, log?: Uint8Array, token?: number): number {
  return bpfCall('BPF_BTF_LOAD', BTF_LOAD, {
    btf,
    btf_size: btf.byteLength,
    btf_log_buf: log,
    btf_log_size: log?.byteLength,
    btf_log_level: log === undefined ? 0 : 1,
    btf_flags: withToken(undefined, token),
    btf_token_fd: token,
  }).result;
}

/**
 * BPF_ENABLE_STATS for run time: the kernel counts as long as the returned fd is open.
 *
 * @example
 * ```ts
 * const counting = enableRunTimeStats();
 * console.log(programInfo(programFd).runTimeNs);
 * closeFd(counting);
 * ```
 */
export function enableRunTimeStats(): number {
  return succeeded(bpfCall('BPF_ENABLE_STATS', ENABLE_STATS, { type: 0 }).result, 'BPF_ENABLE_STATS', {
    needs: ['CAP_SYS_ADMIN'],
  });
}
