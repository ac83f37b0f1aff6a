/* The hash maps: plain, per CPU, with least-recently-used eviction; a struct as key, a flag, a NUMA node. */
#include "corpus.h"

struct flow {
	__be32 source, destination;
	__be16 source_port, destination_port;
	__u8 protocol;
	__u8 pad[3];
};

struct flow_state {
	__u64 packets;
	__u64 bytes;
	enum { FLOW_NEW, FLOW_SEEN } state;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct flow);
	__type(value, struct flow_state);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, __u16);
	__type(value, __u64);
} by_protocol SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__uint(map_flags, BPF_F_NUMA_NODE);
	__uint(numa_node, 0);
	__type(key, __u32);
	__type(value, struct flow);
} recent SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 64);
	__uint(key_size, 8);
	__uint(value_size, 24);
} recent_per_cpu SEC(".maps");

SEC("tc")
int track(struct __sk_buff *skb)
{
	struct flow flow = { .protocol = skb->protocol & 0xff };
	struct flow_state fresh = { .packets = 1, .bytes = skb->len, .state = FLOW_NEW };
	struct flow_state *state = bpf_map_lookup_elem(&flows, &flow);
	__u16 protocol = skb->protocol;
	__u32 mark = skb->mark;
	__u64 wide_key = mark, one = 1, wide_value[3] = { 1, 2, 3 };

	if (state) {
		state->packets++;
		state->state = FLOW_SEEN;
	} else {
		bpf_map_update_elem(&flows, &flow, &fresh, BPF_NOEXIST);
	}
	bpf_map_update_elem(&by_protocol, &protocol, &one, BPF_ANY);
	bpf_map_update_elem(&recent, &mark, &flow, BPF_ANY);
	bpf_map_update_elem(&recent_per_cpu, &wide_key, wide_value, BPF_ANY);
	return state ? TC_ACT_OK : TC_ACT_SHOT;
}
