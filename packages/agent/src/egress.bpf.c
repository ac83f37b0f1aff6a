/* Egress accounting: packets and bytes that each cgroup sends. It lets everything through. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "agent.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

enum { ALLOW = 1 };

/* Index of the loopback interface in every network namespace (LOOPBACK_IFINDEX in the kernel). */
enum { LOOPBACK_INDEX = 1 };

struct egress_traffic {
	__u64 packets;
	__u64 bytes;
};

/* Traffic over the loopback interface never leaves the machine: it is left out unless this is set. */
const volatile bool count_loopback = false;

/* By cgroup id (the inode number of its directory). The least recently used gives way, as cgroups come and go. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct egress_traffic);
} egress_by_cgroup SEC(".maps");

static __always_inline struct egress_traffic *traffic_of(__u64 cgroup)
{
	struct egress_traffic none = {};
	struct egress_traffic *traffic = bpf_map_lookup_elem(&egress_by_cgroup, &cgroup);

	if (traffic)
		return traffic;
	/* BPF_NOEXIST: whoever comes second on another CPU must not clear what the first has counted. */
	bpf_map_update_elem(&egress_by_cgroup, &cgroup, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&egress_by_cgroup, &cgroup);
}

SEC("cgroup_skb/egress")
int egress_account(struct __sk_buff *skb)
{
	struct egress_traffic *traffic;

	if (skb->ifindex == LOOPBACK_INDEX && !count_loopback)
		return ALLOW;
	agent_seen(AGENT_EGRESS);
	traffic = traffic_of(bpf_skb_cgroup_id(skb));
	if (traffic) {
		__sync_fetch_and_add(&traffic->packets, 1);
		__sync_fetch_and_add(&traffic->bytes, skb->len);
	} else {
		agent_lost(AGENT_EGRESS);
	}
	return ALLOW;
}
