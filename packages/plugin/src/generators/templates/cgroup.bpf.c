/* Counts what the processes of a cgroup send, in bytes. It lets everything through. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum { ALLOW = 1 };

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u64);
} program_name_bytes SEC(".maps");

SEC("cgroup_skb/egress")
int program_name(struct __sk_buff *skb)
{
	__u64 cgroup = bpf_skb_cgroup_id(skb);
	__u64 length = skb->len;
	__u64 *bytes = bpf_map_lookup_elem(&program_name_bytes, &cgroup);

	if (bytes)
		__sync_fetch_and_add(bytes, length);
	else
		bpf_map_update_elem(&program_name_bytes, &cgroup, &length, BPF_ANY);
	return ALLOW;
}
