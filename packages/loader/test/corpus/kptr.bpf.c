/* A kernel object kept in a map's value: type tags in BTF, and kfuncs that acquire and release it. */
#include "corpus.h"

struct holder {
	struct task_struct __attribute__((btf_type_tag("kptr"))) *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct holder);
} last SEC(".maps");

extern struct task_struct *bpf_task_acquire(struct task_struct *task) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

SEC("tp_btf/sched_process_fork")
int BPF_PROG(keep, struct task_struct *parent, struct task_struct *child)
{
	__u32 key = 0;
	struct holder *holder = bpf_map_lookup_elem(&last, &key);
	struct task_struct *task;

	if (!holder)
		return 0;
	task = bpf_task_acquire(child);
	if (!task)
		return 0;
	task = bpf_kptr_xchg(&holder->task, task);
	if (task)
		bpf_task_release(task);
	return 0;
}
