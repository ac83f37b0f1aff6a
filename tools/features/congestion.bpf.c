/* Congestion controls, with and without a link, that count the connections that choose them. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

__u64 runs;

/* The programs of each are its own, so that each is loaded without the other. */
#define CONGESTION(section, variable, text)                                                                    \
	SEC("?struct_ops/init") void BPF_PROG(variable##_init, struct sock *sk) { runs++; }                    \
	SEC("?struct_ops/ssthresh") __u32 BPF_PROG(variable##_ssthresh, struct sock *sk) { return 7; }         \
	SEC("?struct_ops/cong_avoid") void BPF_PROG(variable##_avoid, struct sock *sk, __u32 ack, __u32 acked) \
	{                                                                                                      \
	}                                                                                                      \
	SEC("?struct_ops/undo_cwnd") __u32 BPF_PROG(variable##_undo, struct sock *sk) { return 8; }            \
	SEC("?" section) struct tcp_congestion_ops variable = {                                                \
		.name = text,                                                                                  \
		.init = (void *)variable##_init,                                                               \
		.ssthresh = (void *)variable##_ssthresh,                                                       \
		.cong_avoid = (void *)variable##_avoid,                                                        \
		.undo_cwnd = (void *)variable##_undo,                                                          \
	};

CONGESTION(".struct_ops", plain, "nx_plain")
CONGESTION(".struct_ops.link", linked, "nx_linked")
