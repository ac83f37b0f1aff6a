/* Names beyond the kernel's 15 bytes, and characters that a kernel name can't have: what is cut, and where. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} connections_by_address SEC(".maps"), connections_by_port SEC(".maps");

int an_initialised_variable_with_a_long_name = 1;
const volatile int constant_of_the_section __attribute__((section(".rodata.a_long_section_name"))) = 2;

SEC("xdp")
int drop_everything_from_blocked_addresses(struct xdp_md *ctx)
{
	__u32 key = 0;
	__u32 *a = bpf_map_lookup_elem(&connections_by_address, &key);
	__u32 *b = bpf_map_lookup_elem(&connections_by_port, &key);

	return a && b ? an_initialised_variable_with_a_long_name + constant_of_the_section : XDP_DROP;
}
