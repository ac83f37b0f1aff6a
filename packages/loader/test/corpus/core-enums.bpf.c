/* CO-RE enumerators: whether one exists and its value here, in plain and 64-bit enums, known by a wrong value at compile time. */
#include "corpus.h"

enum bpf_map_type___ours {
	BPF_MAP_TYPE_RINGBUF___ours = 1000,
	BPF_MAP_TYPE_NOT_INVENTED___ours = 1001,
};

enum wide___ours {
	WIDE = 0x100000000ULL,
};

__u64 values[4];

SEC("tc")
int enumerators(struct __sk_buff *skb)
{
	values[0] = bpf_core_enum_value_exists(enum bpf_map_type___ours, BPF_MAP_TYPE_NOT_INVENTED___ours);
	values[1] = bpf_core_enum_value_exists(enum wide___ours, WIDE);
	values[2] = bpf_core_enum_value(enum bpf_prog_type, BPF_PROG_TYPE_XDP);
	if (!bpf_core_enum_value_exists(enum bpf_map_type___ours, BPF_MAP_TYPE_RINGBUF___ours))
		return -1;
	return bpf_core_enum_value(enum bpf_map_type___ours, BPF_MAP_TYPE_RINGBUF___ours) + values[2] + values[0];
}
