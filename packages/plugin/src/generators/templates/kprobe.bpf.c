/* Counts the files that each process removes. The kernel must be built with CONFIG_KPROBES. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} program_name_counts SEC(".maps");

SEC("kprobe/vfs_unlink")
int program_name(struct pt_regs *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 one = 1, *count = bpf_map_lookup_elem(&program_name_counts, &pid);

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&program_name_counts, &pid, &one, BPF_ANY);
	return 0;
}
