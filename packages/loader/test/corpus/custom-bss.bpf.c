/* Zero-initialised sections of one's own, .bss.x. Not for bpftool: libbpf 1.1 skips them. */
#include "corpus.h"

#define IN(name) __attribute__((section(name)))

__u64 plain;
__u64 scratch[4] IN(".bss.scratch");
static volatile __u32 private_scratch IN(".bss.private");

SEC("tc")
int sum(struct __sk_buff *skb)
{
	plain++;
	scratch[3] += 2;
	private_scratch += 3;
	return plain + scratch[3] + private_scratch;
}
