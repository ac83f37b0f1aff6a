/* Storage that lives with a task, a socket or a cgroup: maps without entries of their own. */
#include "corpus.h"

struct seen {
	__u64 first_ns;
	__u32 times;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct seen);
} by_task SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct seen);
} by_socket SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} by_cgroup SEC(".maps");

SEC("tp_btf/sys_enter")
int BPF_PROG(on_syscall, struct pt_regs *regs, long number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct seen *seen = bpf_task_storage_get(&by_task, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	__u64 *calls = bpf_cgrp_storage_get(&by_cgroup, task->cgroups->dfl_cgrp, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (seen && !seen->times++)
		seen->first_ns = bpf_ktime_get_ns();
	if (calls)
		__sync_fetch_and_add(calls, 1);
	return 0;
}

SEC("cgroup_skb/ingress")
int on_packet(struct __sk_buff *skb)
{
	struct bpf_sock *socket = skb->sk;
	struct seen *seen;

	socket = socket ? bpf_sk_fullsock(socket) : NULL;
	if (!socket)
		return 1;
	seen = bpf_sk_storage_get(&by_socket, socket, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (seen)
		seen->times++;
	return 1;
}
