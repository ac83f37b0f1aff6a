/* What the agent's three objects share: who counts, and the map they count in. Include it after vmlinux.h. */
#ifndef AGENT_H
#define AGENT_H

#include <bpf/bpf_helpers.h>

/* Index into agent_stats. */
enum agent_part {
	AGENT_EDGE,
	AGENT_EXEC,
	AGENT_EGRESS,
	AGENT_PARTS,
};

struct agent_stat {
	/* Packets or processes seen. */
	__u64 seen;
	/* Records that found no room: a full ring buffer, a full table. */
	__u64 lost;
};

/* One definition in a shared header is one map in the kernel, whichever objects refer to it. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, AGENT_PARTS);
	__type(key, __u32);
	__type(value, struct agent_stat);
} agent_stats SEC(".maps");

static __always_inline struct agent_stat *agent_stat(enum agent_part part)
{
	__u32 index = part;

	return bpf_map_lookup_elem(&agent_stats, &index);
}

static __always_inline void agent_seen(enum agent_part part)
{
	struct agent_stat *stat = agent_stat(part);

	if (stat)
		stat->seen++;
}

static __always_inline void agent_lost(enum agent_part part)
{
	struct agent_stat *stat = agent_stat(part);

	if (stat)
		stat->lost++;
}

#endif
