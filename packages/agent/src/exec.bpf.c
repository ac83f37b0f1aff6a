/* Exec monitor: an event for every program that a process starts, and a count for each command name. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "agent.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define COMMAND_LENGTH 16
#define FILE_LENGTH 128

struct exec_event {
	__u64 time_ns;
	__u64 cgroup;
	__u32 pid;
	__u32 parent_pid;
	__u32 uid;
	char command[COMMAND_LENGTH];
	char file[FILE_LENGTH];
};

/* clang keeps the types that something refers to; readers of the ring buffer want this one. */
struct exec_event *exec_event_type __attribute__((unused));

struct command_name {
	char text[COMMAND_LENGTH];
};

/* Report only what users with this id or a higher one start; every start is counted. */
const volatile __u32 minimum_uid = 0;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct command_name);
	__type(value, __u64);
} commands SEC(".maps");

static __always_inline void count(struct task_struct *task)
{
	struct command_name name = {};
	__u64 one = 1, *starts;

	BPF_CORE_READ_STR_INTO(&name.text, task, comm);
	starts = bpf_map_lookup_elem(&commands, &name);
	if (starts)
		__sync_fetch_and_add(starts, 1);
	else if (bpf_map_update_elem(&commands, &name, &one, BPF_ANY))
		agent_lost(AGENT_EXEC);
}

static __always_inline void report(struct task_struct *task, const char *file, __u32 uid)
{
	struct exec_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		agent_lost(AGENT_EXEC);
		return;
	}
	event->time_ns = bpf_ktime_get_ns();
	event->cgroup = bpf_get_current_cgroup_id();
	event->pid = BPF_CORE_READ(task, tgid);
	event->parent_pid = BPF_CORE_READ(task, real_parent, tgid);
	event->uid = uid;
	/* Ring buffer memory is not cleared: what follows the terminating zero would be an older record's bytes. */
	__builtin_memset(event->command, 0, sizeof(event->command));
	__builtin_memset(event->file, 0, sizeof(event->file));
	BPF_CORE_READ_STR_INTO(&event->command, task, comm);
	bpf_probe_read_kernel_str(event->file, sizeof(event->file), file);
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(exec_monitor, struct task_struct *task, pid_t old_pid, struct linux_binprm *binary)
{
	__u32 uid = BPF_CORE_READ(task, cred, uid.val);

	agent_seen(AGENT_EXEC);
	count(task);
	if (uid >= minimum_uid)
		report(task, BPF_CORE_READ(binary, filename), uid);
	return 0;
}
