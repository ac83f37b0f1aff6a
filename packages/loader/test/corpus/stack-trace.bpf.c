/* Stack traces, counted by the pair of kernel and user stack: a map whose BTF the kernel does not take. */
#include "corpus.h"

#define DEPTH 32

struct stacks {
	__s32 kernel, user;
};

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 128);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DEPTH * sizeof(__u64));
} traces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, struct stacks);
	__type(value, __u64);
} counts SEC(".maps");

SEC("perf_event")
int profile(struct bpf_perf_event_data *ctx)
{
	struct stacks stacks = {
		.kernel = bpf_get_stackid(ctx, &traces, 0),
		.user = bpf_get_stackid(ctx, &traces, BPF_F_USER_STACK),
	};
	__u64 one = 1, *count = bpf_map_lookup_elem(&counts, &stacks);

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &stacks, &one, BPF_NOEXIST);
	return 0;
}
