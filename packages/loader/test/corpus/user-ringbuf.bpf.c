/* A ring buffer that user space writes: the drain helper calls back into the program. */
#include "corpus.h"

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} requests SEC(".maps");

__u64 drained;

static long on_request(struct bpf_dynptr *request, void *context)
{
	__u32 *number = bpf_dynptr_data(request, 0, sizeof(*number));

	if (number)
		drained += *number;
	return 0;
}

SEC("tp/syscalls/sys_enter_getpgid")
int drain(void *ctx)
{
	bpf_user_ringbuf_drain(&requests, on_request, NULL, 0);
	return 0;
}
