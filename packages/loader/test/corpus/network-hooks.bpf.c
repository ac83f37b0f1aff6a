/* A program for each networking hook outside cgroups: classifiers and actions, tunnels, the flow dissector, socket lookup. */
#include "corpus.h"

/* A function can't be named like a section without a slash: the assembler has one symbol for both. */
#define HOOK(section, name, context, result) \
	SEC(section) int name(context *ctx) { return result; }

HOOK("tc", on_tc, struct __sk_buff, TC_ACT_OK)
HOOK("classifier", on_classifier, struct __sk_buff, TC_ACT_SHOT)
HOOK("action", on_action, struct __sk_buff, TC_ACT_OK)
HOOK("lwt_in", on_lwt_in, struct __sk_buff, BPF_OK)
HOOK("lwt_out", on_lwt_out, struct __sk_buff, BPF_DROP)
HOOK("lwt_xmit", on_lwt_xmit, struct __sk_buff, BPF_OK)
HOOK("lwt_seg6local", on_lwt_seg6local, struct __sk_buff, BPF_OK)
HOOK("flow_dissector", dissect, struct __sk_buff, BPF_OK)
HOOK("sk_lookup", look_up, struct bpf_sk_lookup, SK_PASS)
HOOK("sk_skb", skb, struct __sk_buff, SK_PASS)
