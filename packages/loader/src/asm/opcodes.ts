/**
 * Opcode bytes and pseudo source registers. Source: uapi/linux/bpf_common.h and uapi/linux/bpf.h;
 * RFC 9669 for what each instruction does.
 */

/** Low three bits of the opcode. */
export const BPF_LD = 0;
export const BPF_LDX = 1;
export const BPF_ST = 2;
export const BPF_STX = 3;
export const BPF_ALU = 4;
export const BPF_JMP = 5;
export const BPF_JMP32 = 6;
export const BPF_ALU64 = 7;

/** The source operand of arithmetic and jumps is a register. */
export const BPF_X = 8;

/** High four bits of arithmetic opcodes that read unlike the rest. */
export const BPF_NEG = 0x80;
export const BPF_MOV = 0xb0;
export const BPF_END = 0xd0;

/** High four bits of jumps that read unlike the rest. */
export const BPF_JA = 0x00;
export const BPF_CALL = 0x80;
export const BPF_EXIT = 0x90;
export const BPF_JCOND = 0xe0;

/** High three bits of loads and stores. */
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_MEM = 0x60;
export const BPF_MEMSX = 0x80;
export const BPF_ATOMIC = 0xc0;

/** `BPF_LD | BPF_IMM | BPF_DW`: the only instruction of two slots. */
export const LD_IMM64 = 0x18;
/** `BPF_ST | BPF_NOSPEC`: a barrier against speculation that the verifier puts into translated programs. */
export const NOSPEC = 0xc2;
/** `BPF_JMP | BPF_CALL`. */
export const CALL = 0x85;

/** `src_reg` of `ld_imm64`: what its immediate means. */
export const PSEUDO_MAP_FD = 1;
export const PSEUDO_MAP_VALUE = 2;
export const PSEUDO_BTF_ID = 3;
export const PSEUDO_FUNC = 4;
export const PSEUDO_MAP_IDX = 5;
export const PSEUDO_MAP_IDX_VALUE = 6;

/** `src_reg` of a call: what its immediate means; 0 is a helper's number. */
export const PSEUDO_CALL = 1;
export const PSEUDO_KFUNC_CALL = 2;
