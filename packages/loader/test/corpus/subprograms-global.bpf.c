/* Global subprograms, which the verifier checks by themselves against their BTF: a context, a struct, a hidden one, a weak one. */
#include "corpus.h"

struct point {
	int x, y;
};

__subprogram int length(struct __sk_buff *skb)
{
	return skb->len;
}

__subprogram int sum(const struct point *point)
{
	return point ? point->x + point->y : 0;
}

__hidden __subprogram int clamp(int value)
{
	return value < 0 ? 0 : value & 0xff;
}

__weak __subprogram int bonus(int value)
{
	/* What a weak function returns is not known at compile time. */
	volatile int bonus = 100;

	return value + bonus;
}

SEC("tc")
int measure(struct __sk_buff *skb)
{
	struct point point = { .x = 3, .y = 4 };

	return clamp(bonus(sum(&point)) + length(skb));
}
