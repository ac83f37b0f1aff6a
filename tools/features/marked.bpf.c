/* A data section whose name begins with '?': Linux before 6.9 refuses BTF that has one. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("?.struct_ops")
struct tcp_congestion_ops unwanted = {
	.name = "unwanted",
};

__u64 total;

SEC("tc")
int add(struct __sk_buff *skb)
{
	total += skb->len;
	return 0;
}
