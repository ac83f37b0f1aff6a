/** Numbers of the system calls that libc has no wrapper for. */
export interface SyscallNumbers {
  readonly bpf: number;
  readonly perfEventOpen: number;
  readonly renameat2: number;
}

/**
 * The architectures that this loader runs on, little endian all. Source: the kernel's system call tables
 * (arch/x86/entry/syscalls, include/uapi/asm-generic/unistd.h).
 */
export const syscallNumbers: Readonly<Record<string, SyscallNumbers>> = {
  x64: { bpf: 321, perfEventOpen: 298, renameat2: 316 },
  arm64: { bpf: 280, perfEventOpen: 241, renameat2: 276 },
  riscv64: { bpf: 280, perfEventOpen: 241, renameat2: 276 },
  loong64: { bpf: 280, perfEventOpen: 241, renameat2: 276 },
};
