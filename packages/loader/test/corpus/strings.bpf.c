/* String literals, which clang puts into .rodata.str1.1 or, with other constants, .rodata, and formats of bpf_printk and bpf_snprintf. */
#include "corpus.h"

static const char names[3][8] = { "one", "two", "three" };
char line[64];
__u32 which;

SEC("raw_tp/sched_process_exit")
int format(void *ctx)
{
	char command[16];
	const char *literal = "a literal";

	bpf_get_current_comm(command, sizeof(command));
	bpf_printk("exit of %s", command);
	BPF_SNPRINTF(line, sizeof(line), "%s %s %d", command, names[which & 1], which);
	return bpf_strncmp(command, sizeof(command), literal);
}
