/* XDP guard: drops what comes from a blocked network, counts every verdict, samples some packets for people to see. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "agent.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Ethertypes are macros of the uapi headers, so the kernel's BTF does not have them. */
enum ethertype {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,
};

enum verdict {
	/* Passed: IPv4 and IPv6 from nobody that is blocked. */
	VERDICT_PASS,
	/* Dropped: the source address is in a blocked network. */
	VERDICT_BLOCKED,
	/* Passed unseen: neither IPv4 nor IPv6. */
	VERDICT_OTHER,
	/* Passed to the stack to judge: a header is cut short. */
	VERDICT_SHORT,
	VERDICTS,
};

/* Keys of an LPM trie: the number of leading bits that count, then the address in network order. */
struct ipv4_network {
	__u32 prefixlen;
	__u8 address[4];
};

struct ipv6_network {
	__u32 prefixlen;
	__u8 address[16];
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct packet_sample {
	__u64 time_ns;
	__u32 length;
	__u32 interface;
	__u16 ethertype;
	__u8 verdict;
};

/* clang keeps the types that something refers to; readers of the ring buffer want this one. */
struct packet_sample *packet_sample_type __attribute__((unused));

/* Report one packet in this many to `samples`; 0 reports none. */
const volatile __u32 sample_rate = 0;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv4_network);
	__type(value, __u32);
} blocklist SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv6_network);
	__type(value, __u32);
} blocklist6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VERDICTS);
	__type(key, __u32);
	__type(value, struct traffic);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} samples SEC(".maps");

/* Steps over the Ethernet header and at most two VLAN tags; the ethertype in host order, 0 if it is cut short. */
static __always_inline __u16 skip_link_header(void **cursor, void *end)
{
	struct ethhdr *eth = *cursor;
	__u16 ethertype;

	if ((void *)(eth + 1) > end)
		return 0;
	ethertype = bpf_ntohs(eth->h_proto);
	*cursor = eth + 1;

	for (int i = 0; i < 2; i++) {
		struct vlan_hdr *tag = *cursor;

		if (ethertype != ETHERTYPE_VLAN && ethertype != ETHERTYPE_QINQ)
			break;
		if ((void *)(tag + 1) > end)
			return 0;
		ethertype = bpf_ntohs(tag->h_vlan_encapsulated_proto);
		*cursor = tag + 1;
	}
	return ethertype;
}

static __always_inline enum verdict judge_ipv4(struct iphdr *ip, void *end)
{
	struct ipv4_network source = { .prefixlen = 32 };

	if ((void *)(ip + 1) > end)
		return VERDICT_SHORT;
	__builtin_memcpy(source.address, &ip->saddr, sizeof(source.address));
	return bpf_map_lookup_elem(&blocklist, &source) ? VERDICT_BLOCKED : VERDICT_PASS;
}

static __always_inline enum verdict judge_ipv6(struct ipv6hdr *ip, void *end)
{
	struct ipv6_network source = { .prefixlen = 128 };

	if ((void *)(ip + 1) > end)
		return VERDICT_SHORT;
	__builtin_memcpy(source.address, &ip->saddr, sizeof(source.address));
	return bpf_map_lookup_elem(&blocklist6, &source) ? VERDICT_BLOCKED : VERDICT_PASS;
}

static __always_inline enum verdict judge(__u16 ethertype, void *header, void *end)
{
	switch (ethertype) {
	case ETHERTYPE_IPV4:
		return judge_ipv4(header, end);
	case ETHERTYPE_IPV6:
		return judge_ipv6(header, end);
	case 0:
		return VERDICT_SHORT;
	default:
		return VERDICT_OTHER;
	}
}

static __always_inline void count(enum verdict verdict, __u32 length)
{
	__u32 index = verdict;
	struct traffic *traffic = bpf_map_lookup_elem(&verdicts, &index);

	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += length;
}

static __always_inline void sample(struct xdp_md *ctx, __u16 ethertype, enum verdict verdict, __u32 length)
{
	struct packet_sample *sample;

	if (!sample_rate || bpf_get_prandom_u32() % sample_rate)
		return;
	sample = bpf_ringbuf_reserve(&samples, sizeof(*sample), 0);
	if (!sample) {
		agent_lost(AGENT_EDGE);
		return;
	}
	*sample = (struct packet_sample){
		.time_ns = bpf_ktime_get_ns(),
		.length = length,
		.interface = ctx->ingress_ifindex,
		.ethertype = ethertype,
		.verdict = verdict,
	};
	bpf_ringbuf_submit(sample, 0);
}

SEC("xdp")
int edge_guard(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	void *cursor = (void *)(long)ctx->data;
	__u32 length = end - cursor;
	__u16 ethertype = skip_link_header(&cursor, end);
	enum verdict verdict = judge(ethertype, cursor, end);

	agent_seen(AGENT_EDGE);
	count(verdict, length);
	sample(ctx, ethertype, verdict, length);
	return verdict == VERDICT_BLOCKED ? XDP_DROP : XDP_PASS;
}
