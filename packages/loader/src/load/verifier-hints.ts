/**
 * What to do about messages of the verifier, in the order in which they are tried. Texts from kernel/bpf/verifier.c,
 * Linux 5.4 to 6.18.
 */
export const verifierHints: readonly (readonly [message: RegExp, hint: string])[] = [
  [
    /invalid mem access '\w+_or_null'/,
    'the pointer may be NULL here: compare it with NULL before it is used',
  ],
  [/^R\d+ !read_ok/, 'the register has no value on this path: initialise the variable'],
  [
    /invalid access to packet|outside of the packet/,
    'compare the end of the access with data_end first, on the same pointer and on every path',
  ],
  [
    /unbounded memory access|min value is negative|(is )?outside of the (allowed memory|array) range|invalid access to map value/,
    'bound the offset by a comparison or a mask just before the access, as unsigned, in the same register',
  ],
  [
    /cannot call GPL-restricted function/,
    'the object needs a licence compatible with the GPL: char LICENSE[] SEC("license") = "GPL"',
  ],
  [
    /program of this type cannot use helper|unknown func/,
    'this helper is not there for this type of program on this kernel',
  ],
  [/invalid func unknown#/, 'the running kernel has no helper of this number'],
  [/infinite loop detected|back-edge/, 'give the loop a bound that the verifier can see, or use bpf_loop()'],
  [
    /program is too large|sequence of \d+ jumps is too complex|too many states/,
    'too much to verify: bound loops tighter, move parts into global functions, or use bpf_loop()',
  ],
  [
    /combined stack size|stack limit|invalid (write|read) (to|from) stack|invalid indirect/,
    'a program has 512 bytes of stack: keep large values in a per-CPU array map',
  ],
  [/(At program exit|R0 has|should have been in)/, 'return one of the values that the hook allows'],
  [/Unreleased reference/, 'release on every path what an acquiring function returned'],
  [/leaks addr|R\d+ leaks/, 'a pointer of the kernel would get out: store a number instead'],
  [
    /invalid mem access 'scalar'|invalid mem access 'inv'/,
    'the value is a number to the verifier, not a pointer: read kernel memory with bpf_probe_read_kernel() or BPF_CORE_READ()',
  ],
  [
    /write into map forbidden|cannot write into rdonly/,
    'this memory is read-only for programs: constants must not be changed',
  ],
  [
    /unreachable insn|jump out of range|last insn is not an exit/,
    'the control flow is broken, most likely by inline assembly',
  ],
];

/** The hint for a message; undefined if there is none. */
export function verifierHint(message: string): string | undefined {
  return verifierHints.find(([pattern]) => pattern.test(message))?.[1];
}
