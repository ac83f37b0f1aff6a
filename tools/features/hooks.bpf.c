/* A program for each hook that some kernel lacks. Each is loaded by itself; those that are attached count their runs. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

__u64 runs;

#define COUNTING(section, name, context, result) \
	SEC("?" section) int name(context *ctx) { __sync_fetch_and_add(&runs, 1); return result; }

COUNTING("xdp", on_xdp, struct xdp_md, XDP_PASS)
COUNTING("xdp", drop_all, struct xdp_md, XDP_DROP)
COUNTING("tcx/ingress", on_tcx, struct __sk_buff, -1)
COUNTING("netkit/primary", on_netkit, struct __sk_buff, -1)
COUNTING("tracepoint/sched/sched_process_exec", on_tracepoint, void, 0)
COUNTING("raw_tracepoint/sched_process_exec", on_raw_tracepoint, void, 0)
COUNTING("tp_btf/sched_process_exec", on_tp_btf, void, 0)
COUNTING("cgroup_skb/egress", on_egress, struct __sk_buff, 1)
COUNTING("cgroup_skb/egress", deny_egress, struct __sk_buff, 0)

COUNTING("fentry/security_file_open", on_fentry, void, 0)
COUNTING("fexit/security_file_open", on_fexit, void, 0)
COUNTING("fmod_ret/security_file_open", on_fmod_ret, void, 0)
COUNTING("lsm/file_open", on_lsm, void, 0)
COUNTING("lsm.s/file_open", on_lsm_sleepable, void, 0)
COUNTING("lsm_cgroup/socket_create", on_lsm_cgroup, void, 1)
COUNTING("lsm_cgroup/socket_create", deny_sockets, void, 0)
COUNTING("perf_event", on_perf_event, void, 0)
COUNTING("sk_lookup", on_sk_lookup, struct bpf_sk_lookup, SK_PASS)
COUNTING("netfilter", on_netfilter, struct bpf_nf_ctx, 1)
COUNTING("cgroup/connect_unix", on_connect_unix, struct bpf_sock_addr, 1)
COUNTING("iter/task", on_iter, struct bpf_iter__task, 0)
COUNTING("syscall", on_syscall, void, 0)

/* What CO-RE finds of the process that runs it: wrong offsets give wrong numbers. */
struct {
	__u32 process, parent;
	char command[16];
} self;

SEC("?syscall")
int read_self(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	self.process = BPF_CORE_READ(task, tgid);
	self.parent = BPF_CORE_READ(task, real_parent, tgid);
	BPF_CORE_READ_STR_INTO(&self.command, task, comm);
	return 0;
}

/* The verifier goes through every branch and reports each: many lines before the mistake at the end. */
SEC("?tc")
int long_way(struct __sk_buff *skb)
{
	__u64 sum = bpf_get_prandom_u32();

#pragma clang loop unroll(full)
	for (int i = 0; i < 1500; i++)
		sum = sum * 33 + bpf_get_prandom_u32();
	return sum + *(volatile int *)(unsigned long)(skb->len & 1);
}
