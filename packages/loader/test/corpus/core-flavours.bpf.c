/* CO-RE flavours: several local definitions of one kernel type, told apart by what follows the three underscores. */
#include "corpus.h"

struct task_struct___small {
	int tgid;
	int pid;
} __attribute__((preserve_access_index));

struct task_struct___old {
	long state;
} __attribute__((preserve_access_index));

struct task_struct___new {
	unsigned int __state;
} __attribute__((preserve_access_index));

enum pid_type___ours {
	PIDTYPE_PGID___ours = 77,
};

SEC("raw_tp/sys_enter")
int flavours(void *ctx)
{
	void *task = (void *)bpf_get_current_task();
	struct task_struct___small *small = task;
	struct task_struct___old *old = task;
	struct task_struct___new *new = task;
	long state = -1;

	if (bpf_core_field_exists(new->__state))
		state = BPF_CORE_READ(new, __state);
	else if (bpf_core_field_exists(old->state))
		state = BPF_CORE_READ(old, state);
	return state + BPF_CORE_READ(small, tgid) + BPF_CORE_READ(small, pid) +
	       bpf_core_enum_value(enum pid_type___ours, PIDTYPE_PGID___ours);
}
