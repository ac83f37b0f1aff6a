/* The struct_ops that examples attach: congestion controls with a link, of one name, and one without. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct sock;

struct tcp_congestion_ops {
	unsigned int (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
	unsigned int (*undo_cwnd)(struct sock *sk);
	char name[16];
};

SEC("struct_ops/ssthresh")
unsigned int BPF_PROG(ssthresh, struct sock *sk)
{
	return 7;
}

SEC("struct_ops/cong_avoid")
void BPF_PROG(cong_avoid, struct sock *sk, unsigned int ack, unsigned int acked)
{
}

SEC("struct_ops/undo_cwnd")
unsigned int BPF_PROG(undo_cwnd, struct sock *sk)
{
	return 8;
}

#define CONGESTION(text) {                 \
	.ssthresh = (void *)ssthresh,      \
	.cong_avoid = (void *)cong_avoid,  \
	.undo_cwnd = (void *)undo_cwnd,    \
	.name = text,                      \
}

SEC(".struct_ops.link") struct tcp_congestion_ops first = CONGESTION("nx_example");
SEC(".struct_ops.link") struct tcp_congestion_ops second = CONGESTION("nx_example");
SEC(".struct_ops") struct tcp_congestion_ops plain = CONGESTION("nx_plain");
