/* A program for each kind of kprobe. They tell of the process `us` alone, however busy the machine is. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include "registers.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 us;

__u64 runs, cookie;
__s64 seen;

static int tell(void *ctx, long value)
{
	if (bpf_get_current_pid_tgid() >> 32 != us)
		return 0;
	__sync_fetch_and_add(&runs, 1);
	cookie = bpf_get_attach_cookie(ctx);
	seen = (int)value;
	return 0;
}

SEC("?kprobe/do_unlinkat") int entry(void *ctx) { return tell(ctx, argument(ctx)); }
SEC("?kretprobe/do_unlinkat") int leave(void *ctx) { return tell(ctx, returned(ctx)); }
SEC("?kprobe") int anywhere(void *ctx) { return tell(ctx, 0); }

/* A system call's function is given the registers of user space. */
SEC("?ksyscall/umask") int syscall_entry(void *ctx) { return tell(ctx, argument((void *)argument(ctx))); }
SEC("?kretsyscall/umask") int syscall_leave(void *ctx) { return tell(ctx, returned(ctx)); }

/* Which functions a link of many kprobes ran at, by their cookies; a session tells its two ends apart. */
__u64 cookies, entries, returns;

static int tell_of_many(void *ctx)
{
	tell(ctx, 0);
	if (bpf_get_current_pid_tgid() >> 32 == us)
		__sync_fetch_and_or(&cookies, 1ULL << (bpf_get_attach_cookie(ctx) & 63));
	return 0;
}

SEC("?kprobe.multi/do_unlink?t") int many(void *ctx) { return tell_of_many(ctx); }
SEC("?kretprobe.multi/do_unlink?t") int many_returns(void *ctx) { return tell(ctx, returned(ctx)); }

extern bool bpf_session_is_return(void) __ksym __weak;

SEC("?kprobe.session/do_unlinkat")
int session(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != us)
		return 1;
	__sync_fetch_and_add(bpf_session_is_return() ? &returns : &entries, 1);
	return 0;
}
