/* Several programs in one section: offsets of instructions, line info and relocations count from each program's start. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} odd SEC(".maps"), even SEC(".maps");

__u32 hits[4];

#define PROGRAM(n, map)                                                   \
	SEC("xdp") int program_##n(struct xdp_md *ctx)                    \
	{                                                                 \
		__u32 key = n, value = n * 10;                            \
                                                                          \
		hits[n]++;                                                \
		bpf_map_update_elem(&map, &key, &value, BPF_ANY);         \
		return n;                                                 \
	}

PROGRAM(0, even)
PROGRAM(1, odd)
PROGRAM(2, even)
PROGRAM(3, odd)
