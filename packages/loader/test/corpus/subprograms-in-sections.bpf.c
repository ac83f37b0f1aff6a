/* Subprograms outside .text: static and global functions in sections of their own. Not for bpftool: libbpf takes every such function for a program. */
#include "corpus.h"

#define IN(name) __attribute__((section(name)))

__u32 calls;

static IN("helpers") __subprogram int triple(int value)
{
	calls++;
	return value * 3;
}

static IN("helpers") __subprogram int triple_and_one(int value)
{
	return triple(value) + 1;
}

static __subprogram int in_text(int value)
{
	return triple(value) + triple_and_one(value);
}

SEC("tc")
int through_sections(struct __sk_buff *skb)
{
	return triple_and_one(skb->ifindex > 100000 ? 0 : 5) + in_text(2) + calls;
}
