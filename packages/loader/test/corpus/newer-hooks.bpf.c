/* Sections younger than libbpf 1.1. Not for bpftool: Debian 12's can't tell their program type. */
#include "corpus.h"

#define HOOK(section, name, context) \
	SEC(section) int name(context *ctx) { return 1; }

HOOK("tc/ingress", tc_ingress, struct __sk_buff)
HOOK("tc/egress", tc_egress, struct __sk_buff)
HOOK("tcx/ingress", ingress, struct __sk_buff)
HOOK("tcx/egress", egress, struct __sk_buff)
HOOK("netkit/primary", primary, struct __sk_buff)
HOOK("netkit/peer", peer, struct __sk_buff)
HOOK("sk_skb/verdict", skb_verdict, struct __sk_buff)
HOOK("netfilter", filter, struct bpf_nf_ctx)
HOOK("cgroup/connect_unix", connect_unix, struct bpf_sock_addr)
HOOK("uprobe.multi/libc.so.6:mallo*", uprobe_multi, void)
