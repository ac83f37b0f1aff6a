/* CO-RE bitfields: byte offset, size, shifts and sign are each a relocation. */
#include "corpus.h"

struct task_struct___bits {
	unsigned int sched_reset_on_fork : 1;
	unsigned int in_execve : 1;
} __attribute__((preserve_access_index));

struct sk_buff___bits {
	__u8 pkt_type : 3;
	__u8 ip_summed : 2;
} __attribute__((preserve_access_index));

__u64 bits[4];

SEC("tp_btf/sched_process_exec")
int BPF_PROG(direct, struct task_struct *task)
{
	struct task_struct___bits *local = (void *)task;

	bits[0] = BPF_CORE_READ_BITFIELD(task, sched_reset_on_fork);
	bits[1] = BPF_CORE_READ_BITFIELD_PROBED(local, in_execve);
	return 0;
}

SEC("raw_tp/netif_receive_skb")
int probed(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff___bits *skb = (void *)ctx->args[0];

	bits[2] = BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type);
	bits[3] = BPF_CORE_READ_BITFIELD_PROBED(skb, ip_summed);
	return 0;
}
