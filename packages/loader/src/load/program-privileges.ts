import { type Capability } from '../kernel';
import { ProgramType } from '../object';

/**
 * Capabilities that BPF_PROG_LOAD asks for. Source: is_net_admin_prog_type() and is_perfmon_prog_type() in
 * kernel/bpf/syscall.c, since Linux 5.8.
 */
const network: ReadonlySet<number> = new Set([
  ProgramType.sched_cls,
  ProgramType.sched_act,
  ProgramType.xdp,
  ProgramType.lwt_in,
  ProgramType.lwt_out,
  ProgramType.lwt_xmit,
  ProgramType.lwt_seg6local,
  ProgramType.sk_skb,
  ProgramType.sk_msg,
  ProgramType.flow_dissector,
  ProgramType.cgroup_device,
  ProgramType.cgroup_sock,
  ProgramType.cgroup_sock_addr,
  ProgramType.cgroup_sockopt,
  ProgramType.cgroup_sysctl,
  ProgramType.sock_ops,
  ProgramType.ext,
  ProgramType.netfilter,
]);

const tracing: ReadonlySet<number> = new Set([
  ProgramType.kprobe,
  ProgramType.tracepoint,
  ProgramType.perf_event,
  ProgramType.raw_tracepoint,
  ProgramType.raw_tracepoint_writable,
  ProgramType.tracing,
  ProgramType.lsm,
  ProgramType.struct_ops,
  ProgramType.ext,
]);

/**
 * What a process needs to load a program of this type.
 *
 * @param type `enum bpf_prog_type`
 *
 * @example
 * ```ts
 * programCapabilities(6); // ['CAP_BPF', 'CAP_NET_ADMIN']
 * ```
 */
export function programCapabilities(type: number): Capability[] {
  return [
    'CAP_BPF',
    ...(network.has(type) ? (['CAP_NET_ADMIN'] as const) : []),
    ...(tracing.has(type) ? (['CAP_PERFMON'] as const) : []),
  ];
}

/** Types whose programs hang on a BPF trampoline, which some kernels cannot make. */
export function usesTrampoline(type: number): boolean {
  return type === ProgramType.tracing || type === ProgramType.lsm || type === ProgramType.ext;
}
