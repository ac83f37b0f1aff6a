/* A variable of .struct_ops: its members are found by name, and its programs are verified for those. */
#include "corpus.h"

SEC("struct_ops/ssthresh")
__u32 BPF_PROG(fixed_ssthresh, struct sock *sk)
{
	return 7;
}

SEC("struct_ops/cong_avoid")
void BPF_PROG(fixed_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
}

SEC("struct_ops/undo_cwnd")
__u32 BPF_PROG(fixed_undo_cwnd, struct sock *sk)
{
	return 8;
}

SEC(".struct_ops")
struct tcp_congestion_ops fixed_window = {
	.flags = 2,
	.name = "nx_fixed",
	.ssthresh = (void *)fixed_ssthresh,
	.cong_avoid = (void *)fixed_cong_avoid,
	.undo_cwnd = (void *)fixed_undo_cwnd,
};
