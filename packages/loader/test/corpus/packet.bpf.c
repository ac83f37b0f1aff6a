/* Direct packet access, so that what a test run returns depends on the bytes it is given. */
#include "corpus.h"

/* The packet loads of classic BPF, which the kernel rewrites into helper calls. */
__u64 load_byte(void *skb, __u64 offset) asm("llvm.bpf.load.byte");
__u64 load_half(void *skb, __u64 offset) asm("llvm.bpf.load.half");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} by_protocol SEC(".maps");

SEC("xdp")
int xdp_protocol(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u32 protocol;
	__u64 *count;

	if ((void *)(ip + 1) > end)
		return XDP_DROP;
	protocol = ip->protocol;
	count = bpf_map_lookup_elem(&by_protocol, &protocol);
	if (count)
		(*count)++;
	return protocol;
}

SEC("tc")
int tc_protocol(struct __sk_buff *skb)
{
	__u8 protocol = 0;

	if (bpf_skb_load_bytes(skb, 23, &protocol, sizeof(protocol)))
		return TC_ACT_SHOT;
	return protocol + bpf_ntohs(skb->protocol);
}

SEC("socket")
int socket_bytes(struct __sk_buff *skb)
{
	return load_byte(skb, 0) + load_half(skb, 2);
}
