/* A reuseport group's sockets, and the two program flavours that choose one of them. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

SEC("sk_reuseport")
int select_by_hash(struct sk_reuseport_md *ctx)
{
	__u32 index = ctx->hash & 15;

	bpf_sk_select_reuseport(ctx, &sockets, &index, 0);
	return SK_PASS;
}

SEC("sk_reuseport/migrate")
int migrate(struct sk_reuseport_md *ctx)
{
	return ctx->migrating_sk ? SK_DROP : SK_PASS;
}
