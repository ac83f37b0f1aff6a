/* Function pointers: bpf_for_each_map_elem and bpf_loop call static functions of the object, one of them from a subprogram. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 10);
	__type(key, __u32);
	__type(value, __u64);
} squares SEC(".maps");

struct total {
	__u64 sum;
	__u32 elements;
};

static long fill(__u32 index, void *unused)
{
	__u64 square = (__u64)index * index;

	bpf_map_update_elem(&squares, &index, &square, BPF_ANY);
	return 0;
}

static long add(struct bpf_map *map, const __u32 *key, __u64 *value, struct total *total)
{
	total->sum += *value;
	total->elements++;
	return 0;
}

static __subprogram __u64 fill_squares(void)
{
	return bpf_loop(10, fill, NULL, 0);
}

SEC("tc")
int total(struct __sk_buff *skb)
{
	struct total total = {};

	if (fill_squares() != 10)
		return -1;
	bpf_for_each_map_elem(&squares, add, &total, 0);
	return total.sum + total.elements;
}
