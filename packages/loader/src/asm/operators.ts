/** How the verifier's log writes operators and sizes, by the bits of the opcode. Source: kernel/bpf/disasm.c. */

/** By the high four bits of an arithmetic opcode, shifted down. */
export const arithmeticOperators: readonly (string | undefined)[] = [
  '+=',
  '-=',
  '*=',
  '/=',
  '|=',
  '&=',
  '<<=',
  '>>=',
  undefined,
  '%=',
  '^=',
  '=',
  's>>=',
];

/** With an offset of 1: division and remainder are signed (Linux 6.6). */
export const signedOperators: Readonly<Record<string, string>> = { '/=': 's/=', '%=': 's%=' };

/** By the high four bits of a jump's opcode, shifted down. */
export const jumpOperators: readonly (string | undefined)[] = [
  undefined,
  '==',
  '>',
  '>=',
  '&',
  '!=',
  's>',
  's>=',
  undefined,
  undefined,
  '<',
  '<=',
  's<',
  's<=',
];

/** By bits 3 and 4 of a load or store's opcode. */
export const sizeNames: readonly string[] = ['u32', 'u16', 'u8', 'u64'];
export const signedSizeNames: readonly (string | undefined)[] = ['s32', 's16', 's8', undefined];

/** What the immediate of an atomic instruction asks for: without BPF_FETCH, an assignment; with it, a function. */
export const atomicOperators: Readonly<Record<number, string>> = {
  0x00: '+=',
  0x40: '|=',
  0x50: '&=',
  0xa0: '^=',
};
export const atomicFetches: Readonly<Record<number, string>> = {
  0x01: 'add',
  0x41: 'or',
  0x51: 'and',
  0xa1: 'xor',
};
export const ATOMIC_XCHG = 0xe1;
export const ATOMIC_CMPXCHG = 0xf1;
export const ATOMIC_LOAD_ACQUIRE = 0x100;
export const ATOMIC_STORE_RELEASE = 0x110;
