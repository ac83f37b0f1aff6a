import { ProgramType } from '../object';

/**
 * The struct that a program type's context is, as C names it, where it has a name (`include/linux/bpf_types.h`). For a
 * kprobe it is a typedef, of which the verifier wants the name only.
 */
export const contextTypes: ReadonlyMap<number, string> = new Map([
  [ProgramType.cgroup_device, 'bpf_cgroup_dev_ctx'],
  [ProgramType.cgroup_skb, '__sk_buff'],
  [ProgramType.cgroup_sock, 'bpf_sock'],
  [ProgramType.cgroup_sock_addr, 'bpf_sock_addr'],
  [ProgramType.cgroup_sockopt, 'bpf_sockopt'],
  [ProgramType.cgroup_sysctl, 'bpf_sysctl'],
  [ProgramType.flow_dissector, '__sk_buff'],
  [ProgramType.kprobe, 'bpf_user_pt_regs_t'],
  [ProgramType.lwt_in, '__sk_buff'],
  [ProgramType.lwt_out, '__sk_buff'],
  [ProgramType.lwt_seg6local, '__sk_buff'],
  [ProgramType.lwt_xmit, '__sk_buff'],
  [ProgramType.netfilter, 'bpf_nf_ctx'],
  [ProgramType.perf_event, 'bpf_perf_event_data'],
  [ProgramType.raw_tracepoint, 'bpf_raw_tracepoint_args'],
  [ProgramType.raw_tracepoint_writable, 'bpf_raw_tracepoint_args'],
  [ProgramType.sched_act, '__sk_buff'],
  [ProgramType.sched_cls, '__sk_buff'],
  [ProgramType.sk_lookup, 'bpf_sk_lookup'],
  [ProgramType.sk_msg, 'sk_msg_md'],
  [ProgramType.sk_reuseport, 'sk_reuseport_md'],
  [ProgramType.sk_skb, '__sk_buff'],
  [ProgramType.sock_ops, 'bpf_sock_ops'],
  [ProgramType.socket_filter, '__sk_buff'],
  [ProgramType.xdp, 'xdp_md'],
]);
