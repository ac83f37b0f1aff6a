/* Counts packets and bytes that come in at traffic control. It lets everything through. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* What the next program at the same place decides, if there is one: TCX_NEXT of linux/bpf.h. */
enum { NEXT = -1 };

struct program_name_traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct program_name_traffic);
} program_name_counts SEC(".maps");

SEC("tcx/ingress")
int program_name(struct __sk_buff *skb)
{
	__u32 zero = 0;
	struct program_name_traffic *traffic = bpf_map_lookup_elem(&program_name_counts, &zero);

	if (traffic) {
		traffic->packets++;
		traffic->bytes += skb->len;
	}
	return NEXT;
}
