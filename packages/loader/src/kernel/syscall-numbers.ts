/** Numbers of the system calls that libc has no wrapper for. */
export interface SyscallNumbers {
  readonly bpf: number;
  readonly perfEventOpen: number;
  readonly renameat2: number;
}

/** Source: the kernel's syscall tables (arch/x86/entry/syscalls, asm-generic/unistd.h, arch/*\/kernel/syscalls). */
export const syscallNumbers: Readonly<Record<string, SyscallNumbers>> = {
  x64: { bpf: 321, perfEventOpen: 298, renameat2: 316 },
  arm64: { bpf: 280, perfEventOpen: 241, renameat2: 276 },
  riscv64: { bpf: 280, perfEventOpen: 241, renameat2: 276 },
  loong64: { bpf: 280, perfEventOpen: 241, renameat2: 276 },
  s390x: { bpf: 351, perfEventOpen: 331, renameat2: 347 },
};
