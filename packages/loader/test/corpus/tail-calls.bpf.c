/* Prog arrays whose slots are initialised in C: the loader fills them once the programs exist. Slot 1 stays empty. */
#include "corpus.h"

int leaf(struct xdp_md *ctx);
int middle(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} stages SEC(".maps") = {
	.values = {
		[0] = (void *)&leaf,
		[2] = (void *)&middle,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} empty SEC(".maps");

__u32 visited;

SEC("xdp")
int leaf(struct xdp_md *ctx)
{
	visited |= 4;
	return visited == 7 ? XDP_TX : XDP_DROP;
}

SEC("xdp")
int middle(struct xdp_md *ctx)
{
	visited |= 2;
	bpf_tail_call(ctx, &empty, 5);
	bpf_tail_call(ctx, &stages, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int entry(struct xdp_md *ctx)
{
	visited = 1;
	bpf_tail_call(ctx, &stages, 1);
	bpf_tail_call(ctx, &stages, 2);
	return XDP_ABORTED;
}
