/*
 * The first argument and the result of a function, in the context of a probe. The registers of both processors are
 * declared, and each kernel has those of one: an object is the same for all.
 */
struct pt_regs___x64 {
	unsigned long di, ax;
} __attribute__((preserve_access_index));

struct pt_regs___arm64 {
	unsigned long regs[31];
} __attribute__((preserve_access_index));

static long argument(void *registers)
{
	struct pt_regs___arm64 *arm64 = registers;
	struct pt_regs___x64 *x64 = registers;

	return bpf_core_field_exists(arm64->regs) ? BPF_CORE_READ(arm64, regs[0]) : BPF_CORE_READ(x64, di);
}

static long returned(void *registers)
{
	struct pt_regs___arm64 *arm64 = registers;
	struct pt_regs___x64 *x64 = registers;

	return bpf_core_field_exists(arm64->regs) ? BPF_CORE_READ(arm64, regs[0]) : BPF_CORE_READ(x64, ax);
}
