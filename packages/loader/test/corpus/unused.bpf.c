/* Definitions that no instruction refers to: maps and variables exist all the same. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 3);
	__type(key, __u64);
	__type(value, char[40]);
} nobody_uses_this SEC(".maps");

const volatile __u64 setting = 11;
__u32 table[100] = { [99] = 1 };

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}
