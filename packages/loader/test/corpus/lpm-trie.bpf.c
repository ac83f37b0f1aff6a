/* A longest-prefix-match trie, which must not be preallocated. */
#include "corpus.h"

struct prefix {
	__u32 length;
	__u8 address[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 256);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct prefix);
	__type(value, __u32);
} routes SEC(".maps");

SEC("xdp")
int route(struct xdp_md *ctx)
{
	struct prefix key = { .length = 128 };
	__u32 *action = bpf_map_lookup_elem(&routes, &key);

	return action ? *action : XDP_PASS;
}
