/* A bloom filter: map_extra says how many hashes it takes. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 1000);
	__uint(map_extra, 5);
	__type(value, __u64);
} seen SEC(".maps");

SEC("tc")
int filter(struct __sk_buff *skb)
{
	__u64 hash = 0x123456789abcdef0ULL;

	if (!bpf_map_peek_elem(&seen, &hash))
		return 1;
	bpf_map_push_elem(&seen, &hash, BPF_ANY);
	return bpf_map_peek_elem(&seen, &hash) ? 2 : 3;
}
