/* Static subprograms, one of them called by two programs: each program gets its own copy behind its main function. */
#include "corpus.h"

__u64 calls;

static __subprogram int add(int a, int b)
{
	calls++;
	return a + b;
}

static __subprogram int twice(int a)
{
	return add(a, a);
}

SEC("xdp")
int uses_both(struct xdp_md *ctx)
{
	return twice(ctx->rx_queue_index + 20) + add(1, 1);
}

SEC("tc")
int uses_one(struct __sk_buff *skb)
{
	return add(skb->ifindex > 1000, 5);
}

SEC("tc")
int uses_none(struct __sk_buff *skb)
{
	return 9;
}
