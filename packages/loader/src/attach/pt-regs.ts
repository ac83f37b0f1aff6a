/**
 * Where a register's value is in `struct pt_regs`, the context of probes, in bytes, by the names that assemblers use.
 * Source: arch/x86/include/uapi/asm/ptrace.h and arch/arm64/include/uapi/asm/ptrace.h.
 */
export type RegisterOffsets = ReadonlyMap<string, number>;

/** In the order of the struct: the names of each register of x86-64, from 8 bytes down to its low one. */
const x64Registers = [
  'r15 r15d r15w r15b',
  'r14 r14d r14w r14b',
  'r13 r13d r13w r13b',
  'r12 r12d r12w r12b',
  'rbp ebp bp bpl',
  'rbx ebx bx bl',
  'r11 r11d r11w r11b',
  'r10 r10d r10w r10b',
  'r9 r9d r9w r9b',
  'r8 r8d r8w r8b',
  'rax eax ax al',
  'rcx ecx cx cl',
  'rdx edx dx dl',
  'rsi esi si sil',
  'rdi edi di dil',
  '',
  'rip eip',
  '',
  '',
  'rsp esp sp spl',
];

export const x64RegisterOffsets: RegisterOffsets = new Map(
  x64Registers.flatMap((names, i) => names.split(' ').map((name) => [name, 8 * i] as const)),
);

/** x0 to x30, the stack pointer, and the same by their lower halves. */
export const arm64RegisterOffsets: RegisterOffsets = new Map(
  [
    ...Array.from({ length: 31 }, (_, i) => [[`x${i}`, `w${i}`], 8 * i] as const),
    [['sp', 'x31', 'wsp'], 8 * 31] as const,
  ].flatMap(([names, offset]) => names.map((name) => [name, offset] as const)),
);
