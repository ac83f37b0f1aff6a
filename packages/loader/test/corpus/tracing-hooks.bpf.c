/* A program for each tracing hook: with and without a target behind the slash, with and without a BTF target. */
#include "corpus.h"

#define HOOK(section, name) \
	SEC(section) int name(void *ctx) { return 0; }

HOOK("tracepoint/sched/sched_switch", tracepoint)
HOOK("tp/sched/sched_switch", tp)
HOOK("raw_tracepoint/sched_switch", raw_tracepoint)
HOOK("raw_tp/sched_switch", raw_tp)
HOOK("raw_tracepoint.w/sched_switch", raw_tracepoint_writable)
HOOK("tp_btf/sched_switch", tp_btf)
HOOK("kprobe/do_nanosleep", kprobe)
HOOK("kretprobe/do_nanosleep+0", kretprobe)
HOOK("ksyscall/nanosleep", ksyscall)
HOOK("uprobe/libc.so.6:malloc", uprobe)
HOOK("uretprobe/libc.so.6:malloc", uretprobe)
HOOK("uprobe.s/libc.so.6:malloc", uprobe_sleepable)
HOOK("perf_event", on_perf_event)
HOOK("kprobe.multi/tcp_*", kprobe_multi)
