/* Ring buffers: a size that the loader rounds up to a power-of-two number of pages; reserve, submit and output. */
#include "corpus.h"

struct event {
	__u32 pid;
	char command[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000);
} rounded SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} exact SEC(".maps");

SEC("raw_tp/sched_process_exit")
int on_exit(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&rounded, sizeof(*event), 0);
	__u64 now = bpf_ktime_get_ns();

	if (event) {
		event->pid = bpf_get_current_pid_tgid() >> 32;
		bpf_get_current_comm(event->command, sizeof(event->command));
		bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
	}
	bpf_ringbuf_output(&exact, &now, sizeof(now), 0);
	return 0;
}
