/* Maps as they were defined before BTF, in the section "maps". Not for bpftool: libbpf refuses them since 1.0. */
#include "corpus.h"

struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

struct bpf_map_def SEC("maps") old_hash = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 10,
	.map_flags = BPF_F_NO_PREALLOC,
};

struct bpf_map_def SEC("maps") old_array = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 2,
};

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&old_array, &key);

	if (!value)
		return XDP_ABORTED;
	bpf_map_update_elem(&old_hash, &key, value, BPF_ANY);
	return ++*value;
}
