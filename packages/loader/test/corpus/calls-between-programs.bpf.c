/* Programs that other programs call as a function, from the same section and from another. Not for bpftool: libbpf takes calls into .text only. */
#include "corpus.h"

SEC("tc")
__subprogram int base(struct __sk_buff *skb)
{
	volatile int result = 3;

	return result;
}

SEC("tc")
int same_section(struct __sk_buff *skb)
{
	return base(skb) + 1;
}

SEC("tc/ingress")
int other_section(struct __sk_buff *skb)
{
	return base(skb) + 2;
}
