/* CO-RE into arrays: an index in the middle of the access string, the size and offset of an array field, a field of an array of structs. */
#include "corpus.h"

struct pid_link_table {
	struct hlist_node pid_links[4];
};

SEC("tc")
int arrays(struct __sk_buff *skb)
{
	struct task_struct *task = (void *)0;

	return bpf_core_field_size(task->comm) + (bpf_core_field_offset(task->pid_links[2].next) & 7) +
	       bpf_core_field_size(task->pid_links) +
	       (bpf_core_field_offset(struct task_struct, comm[3]) - bpf_core_field_offset(struct task_struct, comm));
}

SEC("raw_tp/sys_enter")
int read_element(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, comm[1]) + (BPF_CORE_READ(task, signal, rlim[3].rlim_cur) != 0);
}
