/* A program for each attach point of a cgroup: those that can refuse do as `allowed` says, the others only count. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

unsigned long long runs = 0;
volatile unsigned int allowed = 1;
#define DECIDE(section, name, context) \
  SEC("?" section) int name(struct context *ctx) { __sync_fetch_and_add(&runs, 1); return allowed & 1; }
#define COUNT(section, name, context) \
  SEC("?" section) int name(struct context *ctx) { __sync_fetch_and_add(&runs, 1); return 1; }
DECIDE("cgroup_skb/ingress", ingress, __sk_buff)
DECIDE("cgroup_skb/egress", egress, __sk_buff)
DECIDE("cgroup/sock_create", sock_create, bpf_sock)
COUNT("cgroup/sock_release", sock_release, bpf_sock)
COUNT("sockops", sockops, bpf_sock_ops)
DECIDE("cgroup/dev", dev, bpf_cgroup_dev_ctx)
DECIDE("cgroup/bind4", bind4, bpf_sock_addr)
DECIDE("cgroup/bind6", bind6, bpf_sock_addr)
DECIDE("cgroup/connect4", connect4, bpf_sock_addr)
DECIDE("cgroup/connect6", connect6, bpf_sock_addr)
DECIDE("cgroup/post_bind4", post_bind4, bpf_sock)
DECIDE("cgroup/post_bind6", post_bind6, bpf_sock)
DECIDE("cgroup/sendmsg4", sendmsg4, bpf_sock_addr)
DECIDE("cgroup/sendmsg6", sendmsg6, bpf_sock_addr)
COUNT("cgroup/recvmsg4", recvmsg4, bpf_sock_addr)
COUNT("cgroup/recvmsg6", recvmsg6, bpf_sock_addr)
DECIDE("cgroup/sysctl", sysctl, bpf_sysctl)
DECIDE("cgroup/setsockopt", setsockopt, bpf_sockopt)
DECIDE("cgroup/getsockopt", getsockopt, bpf_sockopt)
COUNT("cgroup/getpeername4", getpeername4, bpf_sock_addr)
COUNT("cgroup/getpeername6", getpeername6, bpf_sock_addr)
COUNT("cgroup/getsockname4", getsockname4, bpf_sock_addr)
COUNT("cgroup/getsockname6", getsockname6, bpf_sock_addr)
DECIDE("cgroup/connect_unix", connect_unix, bpf_sock_addr)
DECIDE("cgroup/sendmsg_unix", sendmsg_unix, bpf_sock_addr)
COUNT("cgroup/recvmsg_unix", recvmsg_unix, bpf_sock_addr)
COUNT("cgroup/getpeername_unix", getpeername_unix, bpf_sock_addr)
COUNT("cgroup/getsockname_unix", getsockname_unix, bpf_sock_addr)
