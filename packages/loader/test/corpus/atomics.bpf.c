/* Atomic operations on a variable and on a map's value: add, and, or, xor, with and without fetch, exchange, compare and exchange. */
#include "corpus.h"

__u64 word = 0xf0;
__u32 half = 3;

SEC("xdp")
int operate(struct xdp_md *ctx)
{
	__u64 before = __sync_fetch_and_add(&word, 0x10);
	__u64 masked = __sync_fetch_and_and(&word, 0xff00);

	__sync_fetch_and_or(&half, 8);
	__sync_fetch_and_xor(&half, 1);
	if (__sync_val_compare_and_swap(&word, 0x100, 5) != 0x100)
		return XDP_ABORTED;
	return __sync_lock_test_and_set(&word, 9) + before + masked + half;
}
