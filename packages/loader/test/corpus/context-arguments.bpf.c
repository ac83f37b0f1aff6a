/* A global function that says which parameter is the context, in programs of several types. */
#include "corpus.h"

/* libbpf's headers have it since 1.4. */
#define __context __attribute__((btf_decl_tag("arg:ctx")))

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

__u32 seen;

/* Any program may call it: only the tag says that it takes the program's context. */
__noinline int sample(void *ctx __context, __u32 value)
{
	seen += value;
	return bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &value, sizeof(value));
}

SEC("xdp")
int of_xdp(struct xdp_md *ctx)
{
	return sample(ctx, 1) ? XDP_ABORTED : XDP_PASS;
}

SEC("tc")
int of_tc(struct __sk_buff *ctx)
{
	return sample(ctx, 2);
}

SEC("kprobe/do_nanosleep")
int of_kprobe(struct pt_regs *ctx)
{
	return sample(ctx, 3);
}
