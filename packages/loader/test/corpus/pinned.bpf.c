/* A map that asks to be pinned by its name, beside one that does not. Not for bpftool: it can't pin such a map a second time. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__type(key, __u32);
	__type(value, __u32);
} corpus_pinned SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(pinning, LIBBPF_PIN_NONE);
	__type(key, __u32);
	__type(value, __u32);
} corpus_unpinned SEC(".maps");

SEC("tc")
int copy(struct __sk_buff *skb)
{
	__u32 key = 1, *value = bpf_map_lookup_elem(&corpus_pinned, &key);

	return value ? bpf_map_update_elem(&corpus_unpinned, &key, value, BPF_ANY) : 5;
}
