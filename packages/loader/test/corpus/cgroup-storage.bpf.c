/* Storage of the pair of cgroup and attachment, which has no max_entries; and the cgroup array. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} groups SEC(".maps");

SEC("cgroup/skb")
int count(struct __sk_buff *skb)
{
	__u64 *total = bpf_get_local_storage(&shared, 0);
	__u64 *local = bpf_get_local_storage(&per_cpu, 0);

	__sync_fetch_and_add(total, 1);
	*local += skb->len;
	return 1;
}

SEC("tc")
int inside(struct __sk_buff *skb)
{
	return bpf_skb_under_cgroup(skb, &groups, 0) == 1 ? TC_ACT_OK : TC_ACT_SHOT;
}
