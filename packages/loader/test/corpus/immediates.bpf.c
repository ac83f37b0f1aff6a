/* 64-bit immediates that are plain numbers beside those that are relocated, and a map's address taken in inline assembly. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

__u64 mixed = 0xfedcba9876543210ULL;
__u64 padding[20];
__u32 far_away = 6;

SEC("tc")
int load(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value;

	asm volatile("r1 = %[values] ll;"
		     "r2 = %[key];"
		     "call 1;"
		     "%[value] = r0;"
		     : [value] "=r"(value)
		     : [values] "i"(&values), [key] "r"(&key)
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory");
	if (!value)
		return -1;
	padding[skb->ifindex & 15] = 1;
	*value = mixed ^ 0x0123456789abcdefULL;
	return (*value >> 60) + far_away;
}
