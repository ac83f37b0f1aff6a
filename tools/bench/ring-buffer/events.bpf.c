// The producer's program: events of 64 bytes, as many as it is told to, as fast as the kernel takes them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

enum verdict { VERDICT_PASS, VERDICT_DROP, VERDICT_REDIRECT };

struct event {
	__u64 time;
	__u32 pid;
	__u32 tid;
	__u64 bytes;
	enum verdict verdict;
	__u16 source_port;
	__u16 destination_port;
	char comm[16];
	__u64 serial;
	__u64 latency;
};

struct event *keep_event;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

__u64 serial;
__u64 lost;

struct request {
	__u32 count;
	__u32 unused;
};

static long emit(__u32 index, void *context)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	__u64 number = serial++;

	if (!event) {
		lost++;
		return 0;
	}
	event->time = 1700000000000000000ULL + number;
	event->pid = number & 0x7fff;
	event->tid = number & 0xffff;
	event->bytes = number * 1500;
	event->verdict = number % 3;
	event->source_port = 1024 + (number & 0x7fff);
	event->destination_port = 443;
	__builtin_memcpy(event->comm, "nginx-worker\0\0\0", sizeof(event->comm));
	event->comm[13] = 'a' + (number & 7);
	event->comm[12] = '-';
	event->serial = number;
	event->latency = number & 0xfffff;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("syscall") int produce(struct request *request)
{
	bpf_loop(request->count, emit, 0, 0);
	return 0;
}
