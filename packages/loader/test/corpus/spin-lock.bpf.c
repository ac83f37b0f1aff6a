/* A spin lock in a map's value: the kernel finds it through the BTF type of the value. */
#include "corpus.h"

struct balance {
	struct bpf_spin_lock lock;
	__s64 credit;
	__s64 debit;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct balance);
} balances SEC(".maps");

SEC("xdp")
int book(struct xdp_md *ctx)
{
	__u32 key = 7;
	struct balance none = {}, *balance;
	int result;

	bpf_map_update_elem(&balances, &key, &none, BPF_NOEXIST);
	balance = bpf_map_lookup_elem(&balances, &key);
	if (!balance)
		return XDP_ABORTED;
	bpf_spin_lock(&balance->lock);
	balance->credit += 5;
	balance->debit -= 5;
	result = balance->credit + balance->debit ? XDP_DROP : XDP_PASS;
	bpf_spin_unlock(&balance->lock);
	return result;
}
