/* A timer in a map's value, armed with a callback that arms it again. */
#include "corpus.h"

enum { MONOTONIC = 1 };

struct job {
	__u64 runs;
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct job);
} jobs SEC(".maps");

static int run(void *map, __u32 *key, struct job *job)
{
	job->runs++;
	bpf_timer_start(&job->timer, 1000000000, 0);
	return 0;
}

SEC("tc")
int arm(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct job *job = bpf_map_lookup_elem(&jobs, &key);

	if (!job || bpf_timer_init(&job->timer, &jobs, MONOTONIC))
		return 1;
	bpf_timer_set_callback(&job->timer, run);
	return 0;
}
