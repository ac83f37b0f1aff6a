import { type KernelSuite } from '../../../tools/testing/kernel';
import { loadFile, type Collection, type LoadFileOptions } from '../src/runtime';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct traffic { __u64 packets; __u32 bytes; };
struct network { __u32 prefixlen; __u8 address[4]; };
struct event { __u32 serial; char comm[16]; };
struct exec_event { __u32 pid; char comm[16]; };

struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, struct traffic); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } per_cpu SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct network); __type(value, __u32); } blocked SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 2); __uint(value_size, 4); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } execs SEC(".maps");

const volatile __u32 limit = 10;
__u32 serial;
__u64 big = 0x123456789abcdef0;
struct traffic total = { .packets = 3 };
struct event *keep_event;
struct exec_event *keep_exec_event;

SEC("xdp") int emit(struct xdp_md *ctx)
{
	__u32 key = 0, *mine = bpf_map_lookup_elem(&per_cpu, &key);
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (mine)
		__sync_fetch_and_add(mine, 1);
	if (!event)
		return XDP_ABORTED;
	event->serial = ++serial;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	total.packets++;
	bpf_ringbuf_submit(event, 0);
	return serial > limit ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int shrink(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 14) ? XDP_ABORTED : XDP_TX;
}

SEC("raw_tp/sched_process_exec") int sum(__u64 *ctx)
{
	return ctx[0] + ctx[1];
}

SEC("tp_btf/sched_process_exec") int on_exec(__u64 *ctx)
{
	struct exec_event *event = bpf_ringbuf_reserve(&execs, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}
`;

/** A packet for XDP programs; the content does not matter. */
export const packet = new Uint8Array(64).fill(0xee);

/** Use an object that has a map, variable and program of each kind the runtime's tests are about, then close it. */
export async function withObject(
  kernel: KernelSuite,
  use: (collection: Collection) => void | Promise<void>,
  options: LoadFileOptions = {},
): Promise<void> {
  const collection = loadFile(kernel.compile(source, { name: 'runtime' }), options);
  try {
    await use(collection);
  } finally {
    collection.close();
  }
}
