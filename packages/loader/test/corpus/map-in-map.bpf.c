/* Maps of maps: inner maps named as slots, an anonymous inner definition, a hash of maps. */
#include "corpus.h"

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} left SEC(".maps"), right SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} by_index SEC(".maps") = {
	.values = {
		[0] = &left,
		[3] = &right,
	},
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 8);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 16);
		__type(key, __u64);
		__type(value, __u32);
	});
} by_key SEC(".maps");

SEC("tc")
int choose(struct __sk_buff *skb)
{
	__u32 index = 3, zero = 0, key = skb->ifindex;
	__u64 wide = 0;
	void *array = bpf_map_lookup_elem(&by_index, &index);
	void *hash = bpf_map_lookup_elem(&by_key, &key);
	__u64 *value;

	if (hash && bpf_map_lookup_elem(hash, &wide))
		return TC_ACT_SHOT;
	if (!array)
		return 7;
	value = bpf_map_lookup_elem(array, &zero);
	if (value)
		*value = 42;
	value = bpf_map_lookup_elem(&right, &zero);
	return value ? *value : 8;
}
