/* Sockmap and sockhash, and the programs that use them: sockops, stream parser and verdict, message verdict. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} by_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, __u32);
} by_port SEC(".maps");

SEC("sockops")
int remember(struct bpf_sock_ops *ops)
{
	__u64 port = ops->local_port;

	if (ops->op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		bpf_sock_hash_update(ops, &by_port, &port, BPF_NOEXIST);
	return 0;
}

SEC("sk_skb/stream_parser")
int parse(struct __sk_buff *skb)
{
	return skb->len;
}

SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	return bpf_sk_redirect_map(skb, &by_index, 0, 0);
}

SEC("sk_msg")
int message(struct sk_msg_md *msg)
{
	__u64 port = msg->local_port;

	return bpf_msg_redirect_hash(msg, &by_port, &port, BPF_F_INGRESS);
}
