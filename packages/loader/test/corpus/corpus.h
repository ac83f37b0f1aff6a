/*
 * What every file of the corpus starts from.
 *
 * Each file is small and has one purpose, which its first comment names. Debian's bpftool loads it too, and the
 * equality test compares the results, unless that comment says "Not for bpftool:" and why.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* Kept out of line, so that calls stay calls. */
#define __subprogram __attribute__((noinline))

/* Verdicts of a classifier: macros in <linux/pkt_cls.h>, so the kernel's BTF does not have them. */
enum {
	TC_ACT_OK = 0,
	TC_ACT_SHOT = 2,
};

char LICENSE[] SEC("license") = "GPL";

#endif
