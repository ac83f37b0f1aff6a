/* Perf event arrays: one without max_entries, which the loader sizes to the possible CPUs, and one sized by hand. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(int));
	__uint(value_size, sizeof(int));
} unsized SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, int);
} sized SEC(".maps");

SEC("tp/sched/sched_process_fork")
int on_fork(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	bpf_perf_event_output(ctx, &unsized, BPF_F_CURRENT_CPU, &now, sizeof(now));
	bpf_perf_event_output(ctx, &sized, 0, &now, sizeof(now));
	return 0;
}
