import {
  ITER_CREATE,
  LINK_CREATE,
  LINK_CREATE_PART,
  LINK_DETACH,
  LINK_UPDATE,
  RAW_TRACEPOINT,
} from './attributes';
import { bpfCall } from './bpf';
import { succeeded } from './failure';
import { type LayoutInput } from './layout';
import { textPointers, u64Array } from './arrays';

type Part = typeof LINK_CREATE_PART;

/**
 * BPF_LINK_CREATE, with the part of the attributes that belongs to one hook.
 *
 * @returns the link's fd, or the negative error number
 *
 * @example
 * ```ts
 * linkCreate({ prog_fd: program, target: ifindex, attach_type: 46 }, 'mprog', { relative: 0 });
 * ```
 */
export function linkCreate<K extends keyof Part = never>(
  common: LayoutInput<typeof LINK_CREATE>,
  part?: K,
  values?: LayoutInput<Part[K]>,
): number {
  if (part === undefined || values === undefined)
    return bpfCall('BPF_LINK_CREATE', LINK_CREATE, common).result;
  // The hooks' own fields lie behind the common ones; `flags` of a part would hide the common one, so it is renamed.
  const layout: Record<string, readonly [number, 'u32' | 'i32' | 'u64' | 'pointer']> = { ...LINK_CREATE };
  const merged: Record<string, unknown> = { ...common };
  for (const [name, field] of Object.entries(LINK_CREATE_PART[part])) layout[`${part}.${name}`] = field;
  for (const [name, value] of Object.entries(values)) merged[`${part}.${name}`] = value;
  return bpfCall('BPF_LINK_CREATE', layout, merged as LayoutInput<typeof layout>).result;
}

/** BPF_F_KPROBE_MULTI_RETURN and BPF_F_UPROBE_MULTI_RETURN: at the return of the functions. */
export const multiReturnFlag = 1;

/** Which functions a link of many kprobes is on: by name or by address; and a cookie for each, if any. */
export interface KprobeMulti {
  readonly functions?: readonly string[] | undefined;
  readonly addresses?: readonly bigint[] | undefined;
  readonly cookies?: readonly bigint[] | undefined;
  readonly returns: boolean;
}

/**
 * BPF_LINK_CREATE for many kprobes at once (Linux 5.18).
 *
 * @param attachType `enum bpf_attach_type`: trace_kprobe_multi or trace_kprobe_session
 * @returns the link's fd, or the negative error number
 */
export function linkKprobes(program: number, attachType: number, probes: KprobeMulti): number {
  const { functions = [], addresses = [], cookies = [], returns } = probes;
  return linkCreate({ prog_fd: program, attach_type: attachType }, 'kprobe_multi', {
    flags: returns ? multiReturnFlag : 0,
    cnt: functions.length + addresses.length,
    syms: textPointers(functions),
    addrs: u64Array(addresses),
    cookies: u64Array(cookies),
  });
}

/** BPF_F_REPLACE: the update happens only if the link's program is the expected one. */
const replaceFlag = 1 << 2;

/**
 * BPF_LINK_UPDATE: switch a link to another program, with no moment without one.
 *
 * @param expected fd of the program that must be there now; any, if left out
 * @returns 0 or the negative error number: EPERM when another program is there
 */
export function linkUpdate(link: number, program: number, expected?: number): number {
  return bpfCall('BPF_LINK_UPDATE', LINK_UPDATE, {
    link_fd: link,
    new_fd: program,
    old_fd: expected,
    flags: expected === undefined ? 0 : replaceFlag,
  }).result;
}

/** BPF_LINK_DETACH (Linux 5.9): take the link off its hook; its fds and pins stay, defunct. 0 or negative errno. */
export function linkDetach(link: number): number {
  return bpfCall('BPF_LINK_DETACH', LINK_DETACH, { link_fd: link }).result;
}

/**
 * BPF_RAW_TRACEPOINT_OPEN: for raw tracepoints by name, and without a name for programs whose target is in BTF
 * (tp_btf, fentry, fexit, lsm).
 *
 * @returns the link's fd, or the negative error number
 */
export function rawTracepointOpen(program: number, name?: string, cookie?: bigint): number {
  return bpfCall('BPF_RAW_TRACEPOINT_OPEN', RAW_TRACEPOINT, { prog_fd: program, name, cookie }).result;
}

/** BPF_ITER_CREATE: an fd to read(2) an iterator's output from. */
export function iterCreate(link: number): number {
  return succeeded(bpfCall('BPF_ITER_CREATE', ITER_CREATE, { link_fd: link }).result, 'BPF_ITER_CREATE');
}
