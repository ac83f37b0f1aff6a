/* CO-RE relocations that nothing satisfies, each behind a guard: their instructions are poisoned and never reached. */
#include "corpus.h"

struct task_struct___future {
	__u64 not_invented;
	struct {
		int deeper;
	} also_missing[2];
} __attribute__((preserve_access_index));

struct nobody_has_this {
	int field;
} __attribute__((preserve_access_index));

__u64 result;

SEC("raw_tp/sys_enter")
int guarded(void *ctx)
{
	void *task = (void *)bpf_get_current_task();
	struct task_struct___future *future = task;
	struct nobody_has_this *nobody = task;

	if (bpf_core_field_exists(future->not_invented))
		result += BPF_CORE_READ(future, not_invented);
	if (bpf_core_field_exists(future->also_missing))
		result += BPF_CORE_READ(future, also_missing[1].deeper);
	if (bpf_core_type_exists(struct nobody_has_this))
		result += BPF_CORE_READ(nobody, field);
	return 0;
}
