/* CO-RE where the kernel's field has another width than the one compiled against: the load instruction's size changes. */
#include "corpus.h"

struct task_struct___narrow {
	unsigned short __state;
	unsigned long long flags;
} __attribute__((preserve_access_index));

struct list_head___wide {
	struct list_head___wide *next, *prev;
} __attribute__((preserve_access_index));

SEC("tp_btf/sched_wakeup")
int BPF_PROG(resized, struct task_struct *woken)
{
	struct task_struct___narrow *task = (void *)woken;
	struct list_head___wide *list = (void *)&woken->tasks;

	return task->__state + task->flags + (list->next == list->prev);
}
