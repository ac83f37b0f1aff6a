/* Counts the packets that come in on an interface, by IP protocol. It lets everything through. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum { ETHERTYPE_IPV4 = 0x0800 };

/* A constant that the manifest sets, for each environment if need be. */
const volatile bool count_bytes = false;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} program_name_counts SEC(".maps");

SEC("xdp")
int program_name(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	struct iphdr *ip = (void *)(eth + 1);
	__u32 protocol;
	__u64 *count;

	/* The verifier wants every access to the packet behind a check against its end. */
	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETHERTYPE_IPV4))
		return XDP_PASS;
	protocol = ip->protocol;
	count = bpf_map_lookup_elem(&program_name_counts, &protocol);
	if (count)
		*count += count_bytes ? (__u64)(end - (void *)eth) : 1;
	return XDP_PASS;
}
