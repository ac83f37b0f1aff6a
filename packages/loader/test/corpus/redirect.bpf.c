/* Where XDP can send a packet: devmap, devmap by hash, cpumap, xskmap; and the programs that run behind the first and third. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 4);
} devices_by_key SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, sizeof(struct bpf_cpumap_val));
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

SEC("xdp")
int send(struct xdp_md *ctx)
{
	switch (ctx->rx_queue_index & 3) {
	case 0:
		return bpf_redirect_map(&devices, 1, XDP_PASS);
	case 1:
		return bpf_redirect_map(&devices_by_key, 1, XDP_DROP);
	case 2:
		return bpf_redirect_map(&cpus, 0, XDP_PASS);
	default:
		return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_PASS);
	}
}

SEC("xdp/devmap")
int behind_device(struct xdp_md *ctx)
{
	return ctx->egress_ifindex ? XDP_PASS : XDP_DROP;
}

SEC("xdp/cpumap")
int behind_cpu(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags")
int fragments(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx) > 4096 ? XDP_DROP : XDP_PASS;
}
