/* Array and per-CPU array maps, and which of two maps of one shape an instruction refers to. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} first SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 16);
} per_cpu SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *a = bpf_map_lookup_elem(&first, &key);
	__u64 *b = bpf_map_lookup_elem(&second, &key);
	__u64 *c = bpf_map_lookup_elem(&per_cpu, &key);

	if (!a || !b || !c)
		return XDP_ABORTED;
	*a += 1;
	*b += 2;
	*c += 3;
	return *b == 2 * *a ? XDP_PASS : XDP_DROP;
}
