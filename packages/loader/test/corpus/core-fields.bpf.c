/* CO-RE: chains of fields, in the load instruction itself and through probe reads. */
#include "corpus.h"

__u64 inode_number;
__u32 parent;
char machine[65];

SEC("raw_tp/sys_enter")
int read_chain(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	parent = BPF_CORE_READ(task, real_parent, real_parent, tgid);
	inode_number = BPF_CORE_READ(task, mm, exe_file, f_inode, i_ino);
	BPF_CORE_READ_STR_INTO(&machine, task, nsproxy, uts_ns, name.machine);
	return 0;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(read_direct, bool preempt, struct task_struct *previous, struct task_struct *next)
{
	return previous->se.sum_exec_runtime + next->mm->pgd->pgd + next->signal->nr_threads;
}
