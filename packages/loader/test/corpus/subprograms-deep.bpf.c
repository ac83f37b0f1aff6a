/* A chain of subprograms that each refer to a map, a variable and the kernel's types, written in an order that is not the order of the calls. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} levels SEC(".maps");

__u32 deepest;
const volatile __u32 limit = 4;

static __subprogram void mark(__u32 level)
{
	__u64 *value = bpf_map_lookup_elem(&levels, &level);

	if (value)
		*value += 1;
	if (level > deepest)
		deepest = level;
}

static __subprogram int fourth(struct task_struct *task)
{
	mark(4);
	return BPF_CORE_READ(task, tgid) != 0;
}

static __subprogram int second(struct task_struct *task);

static __subprogram int third(struct task_struct *task)
{
	mark(3);
	return limit > 3 ? fourth(task) + BPF_CORE_READ(task, pid) : 0;
}

SEC("raw_tp/sys_enter")
int first(void *ctx)
{
	mark(1);
	return second((void *)bpf_get_current_task()) & 1;
}

static __subprogram int second(struct task_struct *task)
{
	mark(2);
	return third(task) + fourth(task);
}

SEC("raw_tp/sys_exit")
int from_the_middle(void *ctx)
{
	return third((void *)bpf_get_current_task()) & 1;
}
