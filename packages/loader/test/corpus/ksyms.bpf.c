/* Addresses of kernel functions, as kallsyms has them; a weak one that no kernel has is zero. */
#include "corpus.h"

extern const void bpf_prog_put __ksym;
extern const void schedule __ksym;
extern const void nobody_exports_this __ksym __weak;

__u64 addresses[3];

SEC("raw_tp/sys_enter")
int look_up(void *ctx)
{
	addresses[0] = (__u64)&bpf_prog_put;
	addresses[1] = (__u64)&schedule;
	addresses[2] = (__u64)&nobody_exports_this;
	return 0;
}
