/* Data sections of one's own, each a map: .data.x and .rodata.x beside the plain ones. */
#include "corpus.h"

#define IN(name) __attribute__((section(name)))

int plain = 1;
int plain_zero;
int counters[4] IN(".data.counters") = { 1, 2, 3, 4 };
const volatile int limits[2] IN(".rodata.limits") = { 100, 200 };
static volatile int private_state IN(".data.private") = 9;

SEC("tc")
int sum(struct __sk_buff *skb)
{
	plain_zero++;
	private_state++;
	return plain + plain_zero + counters[2] + limits[1] + private_state;
}
