/* Counts the files that each user opens. It allows what was allowed before it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} program_name_counts SEC(".maps");

SEC("lsm/file_open")
int BPF_PROG(program_name, struct file *file, int ret)
{
	__u32 uid = bpf_get_current_uid_gid();
	__u64 one = 1, *count = bpf_map_lookup_elem(&program_name_counts, &uid);

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&program_name_counts, &uid, &one, BPF_ANY);
	return ret;
}
