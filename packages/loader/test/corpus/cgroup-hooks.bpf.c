/* A program for each hook of a cgroup: the section name alone says the program type and the expected attach type. */
#include "corpus.h"

#define HOOK(section, name, context) \
	SEC(section) int name(context *ctx) { return 1; }

HOOK("cgroup_skb/ingress", ingress, struct __sk_buff)
HOOK("cgroup_skb/egress", egress, struct __sk_buff)
HOOK("cgroup/sock_create", sock_create, struct bpf_sock)
HOOK("cgroup/sock_release", sock_release, struct bpf_sock)
HOOK("cgroup/sock", sock, struct bpf_sock)
HOOK("cgroup/post_bind4", post_bind4, struct bpf_sock)
HOOK("cgroup/post_bind6", post_bind6, struct bpf_sock)
HOOK("cgroup/bind4", bind4, struct bpf_sock_addr)
HOOK("cgroup/bind6", bind6, struct bpf_sock_addr)
HOOK("cgroup/connect4", connect4, struct bpf_sock_addr)
HOOK("cgroup/connect6", connect6, struct bpf_sock_addr)
HOOK("cgroup/sendmsg4", sendmsg4, struct bpf_sock_addr)
HOOK("cgroup/sendmsg6", sendmsg6, struct bpf_sock_addr)
HOOK("cgroup/recvmsg4", recvmsg4, struct bpf_sock_addr)
HOOK("cgroup/recvmsg6", recvmsg6, struct bpf_sock_addr)
HOOK("cgroup/getpeername4", getpeername4, struct bpf_sock_addr)
HOOK("cgroup/getpeername6", getpeername6, struct bpf_sock_addr)
HOOK("cgroup/getsockname4", getsockname4, struct bpf_sock_addr)
HOOK("cgroup/getsockname6", getsockname6, struct bpf_sock_addr)
HOOK("cgroup/sysctl", sysctl, struct bpf_sysctl)
HOOK("cgroup/getsockopt", getsockopt, struct bpf_sockopt)
HOOK("cgroup/setsockopt", setsockopt, struct bpf_sockopt)
HOOK("cgroup/dev", device, struct bpf_cgroup_dev_ctx)
