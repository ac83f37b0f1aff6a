/* Queue and stack: maps without a key. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 32);
	__type(value, __u32);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 32);
	__uint(value_size, 4);
} stack SEC(".maps");

SEC("xdp")
int shuffle(struct xdp_md *ctx)
{
	__u32 a = 1, b = 2, top = 0, oldest = 0;

	bpf_map_push_elem(&queue, &a, BPF_EXIST);
	bpf_map_push_elem(&queue, &b, BPF_EXIST);
	bpf_map_push_elem(&stack, &a, 0);
	bpf_map_push_elem(&stack, &b, 0);
	bpf_map_pop_elem(&stack, &top);
	bpf_map_peek_elem(&queue, &oldest);
	return top * 16 + oldest;
}
