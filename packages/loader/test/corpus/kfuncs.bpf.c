/* Calls of kernel functions by BTF id, from a program and from a subprogram. */
#include "corpus.h"

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

static __subprogram int exists(int pid)
{
	struct task_struct *task = bpf_task_from_pid(pid);

	if (!task)
		return 0;
	bpf_task_release(task);
	return 1;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(check_parent, struct task_struct *task, u64 flags)
{
	int parent;

	bpf_rcu_read_lock();
	parent = task->real_parent->tgid;
	bpf_rcu_read_unlock();
	return exists(parent) + exists(1);
}
