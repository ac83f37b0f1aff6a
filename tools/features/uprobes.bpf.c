/* A program for each kind of probe in user space. What they are attached to runs in the traced program alone. */
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
/* usdt.bpf.h reads a register only where the kernel has no cookies. */
#define __TARGET_ARCH_x86
#include <bpf/usdt.bpf.h>
#include "registers.h"

char LICENSE[] SEC("license") = "GPL";

__u64 runs, cookie;
__s64 seen, second, count;

static int tell(void *ctx, long value)
{
	__sync_fetch_and_add(&runs, 1);
	cookie = bpf_get_attach_cookie(ctx);
	seen = value;
	return 0;
}

SEC("?uprobe") int entry(void *ctx) { return tell(ctx, argument(ctx)); }
SEC("?uretprobe") int leave(void *ctx) { return tell(ctx, returned(ctx)); }
SEC("?uprobe.multi") int many(void *ctx) { return tell(ctx, argument(ctx)); }
SEC("?uretprobe.multi") int many_leave(void *ctx) { return tell(ctx, returned(ctx)); }
/* At the entry and at the return. */
SEC("?uprobe.session") int session(void *ctx) { return tell(ctx, 0); }
SEC("?uprobe/libc.so.6:getppid") int by_section(void *ctx) { return tell(ctx, 0); }

/* The first argument of element() is an array of int. */
SEC("?uprobe.s") int sleepable(void *ctx)
{
	int value = 0;

	bpf_copy_from_user(&value, sizeof(value), (void *)argument(ctx));
	return tell(ctx, value);
}

SEC("?usdt") int usdt(struct pt_regs *ctx)
{
	long value;

	__sync_fetch_and_add(&runs, 1);
	cookie = bpf_usdt_cookie(ctx);
	count = bpf_usdt_arg_cnt(ctx);
	bpf_usdt_arg(ctx, 0, &value);
	seen = value;
	bpf_usdt_arg(ctx, 1, &value);
	__sync_fetch_and_add(&second, value);
	return 0;
}
