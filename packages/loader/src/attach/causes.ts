/**
 * Why the kernel refuses to attach, by hook and errno, and what to do: appended to the error. Sources: net/core/dev.c
 * (dev_xdp_attach), kernel/bpf/tcx.c, kernel/bpf/cgroup.c, kernel/bpf/net_namespace.c, kernel/bpf/bpf_iter.c,
 * net/netfilter/nf_bpf_link.c, kernel/bpf/syscall.c (link_create and the raw tracepoint links) and kernel/events/core.c of Linux 6.18.
 */
export type Causes = Readonly<Record<string, string>>;

export const xdpCauses: Causes = {
  EINVAL:
    'the driver cannot run it as it is (an MTU beyond one page needs SEC("xdp.frags") and a driver that knows fragments), or the program was loaded for a devmap or cpumap, or the kernel has no XDP links (Linux 5.9)',
  EOPNOTSUPP: 'the driver has no native XDP: use mode generic or auto',
  ENOTSUPP: 'the driver has no native XDP: use mode generic or auto',
  ERANGE: "the interface's MTU or its peer's is too large for native XDP: lower it, or use mode generic",
  ENOSPC:
    'the peer has fewer receive queues than this interface has transmit queues: set them equal with ethtool -L',
  ENODEV: 'the interface went away meanwhile',
};

/** Of attach points that keep an order: kernel/bpf/mprog.c, and get_prog_list() in kernel/bpf/cgroup.c. */
const mprogCauses: Causes = {
  ENOENT:
    'the program to attach beside is not at this attach point (any more), or is there through a link: name the link',
  ESTALE: 'somebody changed this attach point since it had the expected revision: look again',
};

export const tcxCauses: Causes = {
  ...mprogCauses,
  EINVAL: 'the kernel has no tcx (Linux 6.6, CONFIG_NET_XGRESS), or the program is not of type sched_cls',
  ENODEV: 'the interface went away meanwhile',
  EEXIST: 'the program is on this side of the interface already, through another link: each is there once',
  ERANGE: 'the interface holds as many programs as it can (63)',
  E2BIG: 'the interface holds as many programs as it can (63)',
};

/** net/sched/cls_api.c, cls_bpf.c and sch_ingress.c. */
export const tcCauses: Causes = {
  EEXIST: 'there is a filter of this priority and handle: give others, or leave them to the kernel',
  EINVAL:
    'the kernel has no BPF filters (CONFIG_NET_CLS_BPF, or its module cls_bpf), or a filter of another kind has this priority',
  ENOENT:
    'the filter is not there (any more), or the kernel has no clsact (CONFIG_NET_SCH_INGRESS, or its module sch_ingress)',
  ENODEV: 'the interface went away meanwhile',
  ENOSPC: 'every handle of this priority is taken',
};

/** net/core/lwtunnel.c, lwt_bpf.c, net/ipv4/fib_semantics.c, net/ipv6/route.c and seg6_local.c. */
export const lwtCauses: Causes = {
  EEXIST: 'there is a route to this network in the table: give another metric, or remove that one',
  EINVAL:
    'the interface, the gateway and the network do not fit together, or the program is of another place of the route (in, out, xmit)',
  ENOENT: 'the route is not there (any more)',
  ESRCH: 'the route is not there (any more)',
  ENODEV: 'the interface went away meanwhile, or has no IPv6',
  ENETDOWN: 'the interface is down: set it up first',
  ENETUNREACH: 'the gateway is not in a network of the interface, or the interface is down',
  EHOSTUNREACH: 'the gateway is not in a network of the interface',
  EOPNOTSUPP: 'the kernel is built without CONFIG_LWTUNNEL_BPF, or CONFIG_IPV6_SEG6_BPF for seg6local',
  EPFNOSUPPORT: 'the kernel is built without IPv6',
};

export const tracepointCauses: Causes = {
  EINVAL: 'the kernel has no perf event links (Linux 5.15), or the program is not of type tracepoint',
  EACCES:
    'the program reads beyond the fields of this tracepoint: compare its context struct with the format file of the tracepoint',
  E2BIG: 'the tracepoint holds as many programs as it can (64)',
};

export const rawTracepointCauses: Causes = {
  EINVAL: 'the program reads more arguments than the tracepoint has, or is not of type raw_tracepoint',
};

export const tpBtfCauses: Causes = {
  EINVAL: 'the program was not loaded for a tracepoint: its section must be tp_btf/NAME',
};

/** Of functions of the kernel: 2aa6ac03516d brought them to arm64. */
const noTrampolines =
  'the kernel lets no program into its functions on this processor (CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS; arm64: Linux 6.4)';

export const cgroupCauses: Causes = {
  ...mprogCauses,
  EPERM:
    'a program without BPF_F_ALLOW_MULTI holds this attach point here or in a parent cgroup: detach it (`bpftool cgroup tree` shows it)',
  EINVAL:
    'the program was loaded for another attach type, or the kernel does not know this one (cgroup links: Linux 5.7; a place beside others: 6.17), or the one to attach beside is not there',
  EBADF: 'the path is not a directory of a cgroup v2 hierarchy',
  E2BIG: 'the cgroup holds as many programs at this attach point as it can (64)',
  ENOTSUPP: noTrampolines, // of lsm_cgroup
};

export const netnsCauses: Causes = {
  E2BIG:
    'the namespace holds as many programs as it can (1 flow dissector, 64 socket lookups): detach one, or update its link to this program',
  EEXIST:
    'a flow dissector is there already, in this namespace or in the initial one, whose programs exclude each other',
  EINVAL: 'the kernel has no such links (flow_dissector: Linux 5.7, sk_lookup: 5.9)',
};

export const netfilterCauses: Causes = {
  EBUSY: 'a BPF program at this hook has the same priority: give another one',
  EINVAL: 'the kernel has no netfilter links (Linux 6.4), or none that put fragments together (6.6)',
  ERANGE:
    "the priority is the kernel's own (the least and the greatest 32-bit number), or one of -400 or below with defrag, where fragments are not put together yet",
  EAFNOSUPPORT: 'the kernel is built without CONFIG_NETFILTER_BPF_LINK, or without this family of addresses',
  EOPNOTSUPP: 'the kernel is built without CONFIG_NETFILTER_BPF_LINK',
  E2BIG: 'the hook holds as many functions as it can (1024)',
};

export const iterCauses: Causes = {
  EBADF: 'the iterator walks the elements of a map, and none is given: name it as the option map',
  EINVAL:
    'the iterator takes no such start (map: bpf_map_elem, bpf_sk_storage_map; pid and tid: task, task_file, task_vma, Linux 6.1; cgroup: cgroup, Linux 6.1), or needs one, or the map is of a type that it cannot walk',
  EACCES: 'the program reads more of a key or a value than the map has: compare their sizes with the program',
};

export const netkitCauses: Causes = {
  ...mprogCauses,
  EINVAL:
    'the interface is no netkit device, the kernel has no netkit (Linux 6.7, CONFIG_NETKIT), or the program is not of type sched_cls',
  ENODEV: 'the interface is no netkit device, or went away meanwhile',
  EACCES: 'it is the peer of the pair: attach to both ends through the primary interface',
  EEXIST: 'the program is at this end already, through another link: each is there once',
  ERANGE: 'the end holds as many programs as it can (63)',
};

export const trampolineCauses: Causes = {
  EINVAL:
    'the program was not loaded for a function or an LSM hook: its section must be fentry/NAME or the like',
  EBUSY: 'the function is traced by another trampoline that excludes this program',
  E2BIG: 'the function holds as many programs as it can (38)',
  EOPNOTSUPP: noTrampolines,
  ENOTSUPP: noTrampolines,
};

/** bpf_tracing_prog_attach() in kernel/bpf/syscall.c, bpf_check_attach_target() in kernel/bpf/verifier.c. */
export const freplaceCauses: Causes = {
  EINVAL:
    'the function is not a global one of that program, has other parameters, or the kernel cannot attach elsewhere than the program was loaded for (Linux 5.10)',
  EBUSY: 'another program replaces this function already: detach that one, or its link',
  EPERM: 'the kernel does not let programs replace functions (no trampolines)',
  EOPNOTSUPP: 'the kernel has no trampolines for this processor (arm64: Linux 6.0)',
  ENOTSUPP: 'the kernel has no trampolines for this processor (arm64: Linux 6.0)',
};

/** kernel/bpf/bpf_struct_ops.c, and for congestion controls net/ipv4/tcp_cong.c and bpf_tcp_ca.c. */
export const structOpsCauses: Causes = {
  EINVAL:
    'the kernel misses a function or a field of the struct (a congestion control needs a name, ssthresh, undo_cwnd, and cong_avoid or cong_control), or has no struct_ops links (Linux 6.4)',
  EEXIST: 'the kernel has one of this name already: give it another one, or detach that one',
  EBUSY: 'the map is registered already',
  ENOENT: 'it was unregistered by somebody else',
  EINPROGRESS: 'it is being unregistered already',
};

export const structOpsUpdateCauses: Causes = {
  EINVAL:
    'the other map is of another struct, of SEC(".struct_ops"), without its value, or has another name in the kernel',
  EPERM: 'the link holds another map than the expected one: somebody else updated it',
  EOPNOTSUPP: 'structs of this kind cannot be updated: attach the other map anew',
  ENOTSUPP: 'structs of this kind cannot be updated: attach the other map anew',
  ENOLINK: 'it was unregistered: close the link and attach anew',
};

/** sk_attach_bpf() and sk_reuseport_attach_bpf() in net/core/filter.c, reuseport_attach_prog() in sock_reuseport.c. */
export const socketFilterCauses: Causes = {
  EPERM: 'the filter of this socket is locked (SO_LOCK_FILTER)',
  ENOTSOCK: 'the descriptor is no socket',
  ENOMEM: "the program is too large for the socket's memory: raise /proc/sys/net/core/optmem_max",
  EBADF: 'nothing is open at this descriptor, or the program is closed',
};

export const skReuseportCauses: Causes = {
  EINVAL:
    'the socket does not share its port: set SO_REUSEPORT before it is bound; or the program was loaded for another attach point',
  EPERM: 'the filter of this socket is locked (SO_LOCK_FILTER)',
  ENOTSOCK: 'the descriptor is no socket',
  ENOTSUPP: 'only TCP and UDP sockets share a port',
  EBADF: 'nothing is open at this descriptor, or the program is closed',
  ENOENT: 'somebody else took it off',
  ENOPROTOOPT: 'the kernel cannot take it off again (Linux 5.3): close the sockets',
};

export const perfEventCauses: Causes = {
  EINVAL:
    'the kernel has no perf event links (Linux 5.15), there is no such CPU, or the frequency is above /proc/sys/kernel/perf_event_max_sample_rate',
  ENODEV: 'there is no such CPU, or it is offline',
  ENOENT:
    'this processor (or virtual machine) counts no such event: take a software event, such as cpu-clock',
  EOPNOTSUPP: 'this processor (or virtual machine) cannot sample this event',
  ESRCH: 'there is no such process',
};

/** Of many kprobes: bpf_kprobe_multi_link_attach() in kernel/trace/bpf_trace.c. */
export const kprobeMultiCauses: Causes = {
  EOPNOTSUPP: 'the kernel is built without CONFIG_FPROBE, which they are made of',
  EINVAL:
    'the kernel has no such links (kprobe_multi: Linux 5.18, kprobe_session: 6.10), the program was loaded for another attach type, or an address is not that of a function that can be traced',
  ENOENT: 'a function cannot be traced: available_filter_functions in tracefs lists what can',
  ESRCH: 'a function is not there, or cannot be traced: available_filter_functions in tracefs lists what can',
  E2BIG: 'they are more functions than a link takes (1048576)',
};

/** Of kprobes: kernel/trace/trace_kprobe.c and kernel/kprobes.c. */
export const kprobeCauses: Causes = {
  EINVAL:
    'the place is one that may not be probed, or the offset is not the start of an instruction, or lies behind the function',
  EILSEQ: 'the offset is not the start of an instruction: `objdump -d` of vmlinux shows where they start',
  EADDRNOTAVAIL: 'several functions have this name: give the address of one of them',
  EACCES:
    'the program reads beyond its context, or perf events are forbidden (/proc/sys/kernel/perf_event_paranoid)',
  EPERM: 'the kernel is locked down (confidentiality), which forbids kprobes',
  EBUSY: 'the place is patched by something else, such as a live patch',
  EEXIST: 'the program is on this event already',
  E2BIG: 'the event holds as many programs as it can (64)',
};

/** Of uprobes: kernel/trace/trace_uprobe.c, kernel/events/uprobes.c and bpf_uprobe_multi_link_attach(). */
export const uprobeCauses: Causes = {
  EINVAL:
    'the offset lies behind the end of the file, the reference counter is at an odd offset or another one than that of a probe that is at this place already, or the file is no regular one',
  ENOENT: 'the file went away meanwhile',
  EIO: 'the file system of the binary cannot be probed',
  ESRCH: 'there is no such process',
  EOPNOTSUPP: 'an instruction at this place cannot be probed',
  ENOTSUPP: 'an instruction at this place cannot be probed',
  EACCES: 'the program reads beyond its context, or was loaded for another kind of probe',
  EEXIST: 'the program is on this event already',
  E2BIG: 'the event holds as many programs as it can (64), or there are too many places (1048576)',
};

/** Of many uprobes: bpf_uprobe_multi_link_attach() in kernel/trace/bpf_trace.c. */
export const uprobeMultiCauses: Causes = {
  ...uprobeCauses,
  EINVAL:
    'the kernel has no such links (uprobe_multi: Linux 6.6, uprobe_session: 6.13), the program was loaded for another attach type, an offset lies behind the end of the file, or a reference counter is at an odd offset or another one than that of a probe that is at this place already',
  EBADF: 'the file is no regular one',
};

export const sockmapCauses: Causes = {
  EBUSY: 'the map has such a program already: detach it, or update its link to this program',
  EINVAL: 'the kernel has no links on sockmaps (Linux 6.10), or the map is no sockmap or sockhash',
  EOPNOTSUPP: 'the map is no sockmap or sockhash',
};

export const updateCauses: Causes = {
  EINVAL:
    'links of this kind cannot be updated, or the new program is of another type or attach type than the old one',
  EOPNOTSUPP: 'links of this kind cannot be updated: attach anew, and close this one',
  EEXIST: 'the new program is at this attach point already, through another link: each is there once',
  EPERM: 'the link runs another program than the expected one: somebody else updated it',
  ENOLINK: 'what the link was on is gone: close it and attach anew',
};
