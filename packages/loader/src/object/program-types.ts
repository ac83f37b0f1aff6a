import { namesOf } from './numbered-names';

const names = [
  'unspec',
  'socket_filter',
  'kprobe',
  'sched_cls',
  'sched_act',
  'tracepoint',
  'xdp',
  'perf_event',
  'cgroup_skb',
  'cgroup_sock',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'sock_ops',
  'sk_skb',
  'cgroup_device',
  'sk_msg',
  'raw_tracepoint',
  'cgroup_sock_addr',
  'lwt_seg6local',
  'lirc_mode2',
  'sk_reuseport',
  'flow_dissector',
  'cgroup_sysctl',
  'raw_tracepoint_writable',
  'cgroup_sockopt',
  'tracing',
  'struct_ops',
  'ext',
  'lsm',
  'sk_lookup',
  'syscall',
  'netfilter',
] as const;

/** Name of a program type as we show and read it: `xdp`, `sched_cls`. */
export type ProgramTypeName = (typeof names)[number];

/**
 * Program types by number and name. Source: `enum bpf_prog_type` of uapi/linux/bpf.h; names as bpftool prints them.
 */
export const programTypes = namesOf(names);

/** `enum bpf_prog_type` by name: `ProgramType.xdp`. */
export const ProgramType = programTypes.numbers;

/**
 * `xdp` for 6; `type 99` for a number without a name.
 *
 * @example
 * ```ts
 * programTypeName(6); // 'xdp'
 * programTypeName(9999); // 'type 9999'
 * ```
 */
export function programTypeName(type: number): string {
  return programTypes.name(type) ?? `type ${type}`;
}
