/* The object that examples of docstrings are about: `edge.bpf.o` where they run. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum mode { MODE_PASS, MODE_DROP };

struct config {
	__u16 port;
	enum mode mode;
	char comm[16];
};

struct exec_event {
	__u32 pid;
	char comm[16];
};

struct counter {
	__u64 packets;
};

struct command {
	__u32 op;
};
struct command *keep_command;

const volatile __u32 sample_rate = 1;
const volatile enum mode mode = MODE_PASS;
const volatile char prefix[8] = "";
const volatile struct config config = {};
__u64 dropped;
struct exec_event last;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, struct counter);
	__uint(max_entries, 1024);
} hits SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

SEC("xdp")
int edge_guard(struct xdp_md *context)
{
	__u32 key = context->ingress_ifindex;
	struct counter *counter = bpf_map_lookup_elem(&hits, &key);

	if (counter)
		counter->packets += sample_rate;
	if (mode == MODE_DROP && prefix[0] == 0 && config.port != 0) {
		dropped++;
		return XDP_DROP;
	}
	return XDP_PASS;
}

SEC("tp_btf/sched_process_exec")
int exec_monitor(void *context)
{
	struct exec_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	last = *event;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
