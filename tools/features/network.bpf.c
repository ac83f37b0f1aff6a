/* Programs for the hooks of network.ts. Each is loaded by itself, or with those that it works with, and counts its runs. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__u64 runs;

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

#define COUNTING(section, name, context, result) \
	SEC("?" section) int name(context *ctx) { __sync_fetch_and_add(&runs, 1); return result; }

COUNTING("tc", on_tc, struct __sk_buff, -1)
COUNTING("tc", drop_tc, struct __sk_buff, 2)
COUNTING("lwt_out", on_lwt_out, struct __sk_buff, 0)
COUNTING("lwt_out", drop_lwt_out, struct __sk_buff, 2)
COUNTING("socket", on_socket, struct __sk_buff, 0xffff)
COUNTING("socket", drop_socket, struct __sk_buff, 0)
COUNTING("sk_reuseport", on_sk_reuseport, struct sk_reuseport_md, SK_PASS)
COUNTING("flow_dissector", on_flow_dissector, struct __sk_buff, 129 /* BPF_FLOW_DISSECTOR_CONTINUE */)
COUNTING("sk_skb/verdict", on_verdict, struct __sk_buff, SK_PASS)
COUNTING("sk_skb/stream_parser", on_stream_parser, struct __sk_buff, ctx->len)
COUNTING("sk_skb/stream_verdict", on_stream_verdict, struct __sk_buff, SK_PASS)
COUNTING("sk_msg", on_sk_msg, struct sk_msg_md, SK_PASS)
COUNTING("netkit/peer", on_peer, struct __sk_buff, -1)
COUNTING("netkit/primary", on_primary, struct __sk_buff, -1)
COUNTING("netkit/primary", before_primary, struct __sk_buff, -1)
COUNTING("tcx/ingress", on_tcx, struct __sk_buff, -1)
COUNTING("tcx/ingress", before_tcx, struct __sk_buff, -1)
COUNTING("xdp.frags", on_frags, struct xdp_md, XDP_PASS)
COUNTING("xdp/devmap", on_port, struct xdp_md, XDP_PASS)
COUNTING("xdp/cpumap", on_cpu, struct xdp_md, XDP_PASS)

SEC("?xdp")
int to_port(struct xdp_md *ctx)
{
	return bpf_redirect_map(&ports, 0, 0);
}

SEC("?xdp")
int to_cpu(struct xdp_md *ctx)
{
	return bpf_redirect_map(&cpus, 0, 0);
}

/* Asks for the flow of a packet, which the flow dissector finds. */
SEC("?tc")
int rehash(struct __sk_buff *skb)
{
	bpf_set_hash_invalid(skb);
	bpf_get_hash_recalc(skb);
	return -1;
}

/* A function that another program can take the place of, and that program. */
__noinline int verdict(struct xdp_md *ctx)
{
	volatile int result = XDP_DROP;

	return result;
}

SEC("?xdp")
int guarded(struct xdp_md *ctx)
{
	return verdict(ctx);
}

COUNTING("freplace/verdict", milder, struct xdp_md, XDP_PASS)
