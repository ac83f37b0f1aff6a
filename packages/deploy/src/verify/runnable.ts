import { ProgramType } from '@nx-bpf/loader';

/** What programs of a type can be run on, and names of what they return. */
export interface Runnable {
  /** Whether it is given a packet, without which the kernel does not run it. */
  readonly packet: boolean;
  /** Struct of the context that user space may give, by its name in the kernel's types. */
  readonly context: string | undefined;
  readonly returns: readonly Readonly<Record<string, number>>[];
}

/** `enum xdp_action` of include/uapi/linux/bpf.h. */
const xdp = { XDP_ABORTED: 0, XDP_DROP: 1, XDP_PASS: 2, XDP_TX: 3, XDP_REDIRECT: 4 };
/** include/uapi/linux/pkt_cls.h. */
const tc = {
  TC_ACT_UNSPEC: -1,
  TC_ACT_OK: 0,
  TC_ACT_RECLASSIFY: 1,
  TC_ACT_SHOT: 2,
  TC_ACT_PIPE: 3,
  TC_ACT_STOLEN: 4,
  TC_ACT_QUEUED: 5,
  TC_ACT_REPEAT: 6,
  TC_ACT_REDIRECT: 7,
  TC_ACT_TRAP: 8,
};
/** `enum tcx_action_base` and `enum netkit_action` of include/uapi/linux. */
const tcx = { TCX_NEXT: -1, TCX_PASS: 0, TCX_DROP: 2, TCX_REDIRECT: 7 };
const netkit = { NETKIT_NEXT: -1, NETKIT_PASS: 0, NETKIT_DROP: 2, NETKIT_REDIRECT: 7 };
/** `enum sk_action` and `enum bpf_ret_code` of include/uapi/linux/bpf.h. */
const sk = { SK_DROP: 0, SK_PASS: 1 };
const bpf = {
  BPF_OK: 0,
  BPF_DROP: 2,
  BPF_REDIRECT: 7,
  BPF_LWT_REROUTE: 128,
  BPF_FLOW_DISSECTOR_CONTINUE: 129,
};
/** include/uapi/linux/netfilter.h. */
const netfilter = { NF_DROP: 0, NF_ACCEPT: 1 };

const skb = { packet: true, context: '__sk_buff' };
const nothing = { packet: false, context: undefined, returns: [] };

/**
 * Program types that BPF_PROG_RUN runs: those with a `test_run` in their `struct bpf_prog_ops` (net/core/filter.c,
 * net/bpf/test_run.c, kernel/trace/bpf_trace.c, kernel/bpf/syscall.c). Left out are fentry, fexit and fmod_ret, where
 * it runs functions of the kernel's own and not the program, and struct_ops, where it does so of a dummy.
 */
const runnable: Readonly<Record<number, Runnable>> = {
  [ProgramType.xdp]: { packet: true, context: 'xdp_md', returns: [xdp] },
  [ProgramType.sched_cls]: { ...skb, returns: [tc, tcx, netkit] },
  [ProgramType.sched_act]: { ...skb, returns: [tc] },
  [ProgramType.cgroup_skb]: { ...skb, returns: [sk] },
  [ProgramType.socket_filter]: { ...skb, returns: [] },
  [ProgramType.lwt_in]: { ...skb, returns: [bpf] },
  [ProgramType.lwt_out]: { ...skb, returns: [bpf] },
  [ProgramType.lwt_xmit]: { ...skb, returns: [bpf] },
  [ProgramType.lwt_seg6local]: { ...skb, returns: [bpf] },
  [ProgramType.flow_dissector]: { packet: true, context: 'bpf_flow_keys', returns: [bpf] },
  [ProgramType.netfilter]: { packet: true, context: 'nf_hook_state', returns: [netfilter] },
  [ProgramType.sk_lookup]: { packet: false, context: 'bpf_sk_lookup', returns: [sk] },
  [ProgramType.raw_tracepoint]: nothing,
  [ProgramType.raw_tracepoint_writable]: nothing,
  [ProgramType.syscall]: nothing,
};

/** What programs of a type can be run on; undefined for a type that the kernel does not run on demand. */
export function runnableAs(type: number): Runnable | undefined {
  return runnable[type];
}

/** Names of the types that can be run, for people. */
export function runnableTypes(): string[] {
  return Object.keys(ProgramType)
    .filter((name) => runnable[ProgramType[name as keyof typeof ProgramType]] !== undefined)
    .sort();
}

/** The number that a name stands for where programs of a type return it; undefined for a name that is none of theirs. */
export function returnValueOf({ returns }: Runnable, name: string): number | undefined {
  return returns.find((names) => Object.hasOwn(names, name))?.[name];
}

/** The first of the names that programs of a type have for a number that they return. */
export function returnNameOf({ returns }: Runnable, value: number): string | undefined {
  return returns.flatMap((names) => Object.entries(names)).find(([, each]) => each === (value | 0))?.[0];
}

/** `2 (XDP_PASS)`, where there is a name. */
export function returnText(runnable: Runnable, value: number): string {
  const name = returnNameOf(runnable, value);
  return name === undefined ? String(value) : `${value | 0} (${name})`;
}
