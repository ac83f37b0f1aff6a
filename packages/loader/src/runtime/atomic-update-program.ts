import { CALL, LD_IMM64, PSEUDO_MAP_FD, PSEUDO_MAP_VALUE, SLOT } from '../asm';

/** Part of a map's value that is changed with one atomic instruction: 4 or 8 bytes, aligned to their size. */
export interface AtomicField {
  /** Bytes from the start of the value. */
  readonly offset: number;
  readonly size: 4 | 8;
  /** `add` takes an amount; `exchange` what has to be there, and what is then put in its place. */
  readonly operation: 'add' | 'exchange';
}

/** What the program works on, by fd. */
export interface UpdatedMaps {
  /** One value of four u64: how many changes are staged; how many found their key, did not, or found other bytes. */
  readonly control: number;
  /** An array of changes: the key, padded to 8 bytes, the number of a CPU as u64, then the operands of each field. */
  readonly staging: number;
  readonly target: number;
}

/** Offsets in the value of `control`. */
export const Control = { staged: 0, found: 8, missing: 16, conflicts: 24, size: 32 } as const;

const LOOKUP = 1; // bpf_map_lookup_elem
const LOOKUP_PERCPU = 195; // bpf_map_lookup_percpu_elem (Linux 5.19)
const CMPXCHG = 0xf1; // BPF_CMPXCHG (Linux 5.12)

/** The verifier gives up at 8192 jumps on the way (BPF_COMPLEXITY_LIMIT_JMP_SEQ in kernel/bpf/verifier.c). */
const JUMPS = 8000;

/** Changes that one run goes through: the verifier walks the loop that often. */
export function changesPerRun(fields: readonly AtomicField[]): number {
  const exchanges = fields.filter(({ operation }) => operation === 'exchange').length;
  return Math.max(1, Math.min(256, Math.floor(JUMPS / (4 + 2 * exchanges))));
}

/** Where the operands of each field are in a staged change, and how long one is. */
export function stagedLayout(
  keySize: number,
  fields: readonly AtomicField[],
): { readonly cpu: number; readonly operands: readonly number[]; readonly size: number } {
  const cpu = Math.ceil(keySize / 8) * 8;
  let size = cpu + 8;
  const operands = fields.map(({ operation }) => {
    const at = size;
    size += operation === 'add' ? 8 : 16;
    return at;
  });
  return { cpu, operands, size };
}

/**
 * The instructions of a program that makes the staged changes to a map's values. In C:
 *
 *     for (i = 0; i < control->staged && i < STAGED; i++) {
 *       change = bpf_map_lookup_elem(&staging, &i);
 *       value = bpf_map_lookup_elem(&target, change->key);
 *       if (!value) { control->missing++; continue; }
 *       __sync_fetch_and_add(&value->counter, change->amount);
 *       if (change->before != change->after &&
 *           __sync_val_compare_and_swap(&value->word, change->before, change->after) != change->before)
 *         control->conflicts++;
 *       control->found++;
 *     }
 */
export function atomicUpdateInstructions(
  maps: UpdatedMaps,
  keySize: number,
  perCpu: boolean,
  fields: readonly AtomicField[],
): Uint8Array {
  const { cpu, operands } = stagedLayout(keySize, fields);
  const found = [
    insn(0xbf, 6, 0), // r6 = r0
    ...fields.flatMap((field, i) =>
      field.operation === 'add' ? add(field, operands[i]!) : exchange(field, operands[i]!),
    ),
    ...increment(Control.found),
  ];
  const missing = increment(Control.missing);
  const afterStaged = [
    insn(0xbf, 9, 0), // r9 = r0
    ...loadMap(1, PSEUDO_MAP_FD, maps.target),
    insn(0xbf, 2, 9), // r2 = r9
    ...(perCpu ? [insn(0x61, 3, 9, cpu)] : []), // r3 = *(u32 *)(r9 + cpu)
    insn(CALL, 0, 0, 0, perCpu ? LOOKUP_PERCPU : LOOKUP),
    insn(0x15, 0, 0, found.length + 1, 0), // if r0 == 0 goto missing
    ...found,
    insn(0x05, 0, 0, missing.length), // goto next
    ...missing,
    insn(0x07, 8, 0, 0, 1), // next: r8 += 1
  ];
  const work = [
    insn(0x63, 10, 8, -4), // *(u32 *)(r10 - 4) = r8
    ...loadMap(1, PSEUDO_MAP_FD, maps.staging),
    insn(0xbf, 2, 10), // r2 = r10
    insn(0x07, 2, 0, 0, -4), // r2 += -4
    insn(CALL, 0, 0, 0, LOOKUP),
  ];
  const toOut = afterStaged.length + 1;
  const loop = [
    insn(0x79, 1, 7, Control.staged), // r1 = control->staged
    insn(0x3d, 8, 1, 1 + work.length + 1 + toOut), // if r8 >= r1 goto out
    insn(0x35, 8, 0, work.length + 1 + toOut, changesPerRun(fields)), // if r8 >= STAGED goto out
    ...work,
    insn(0x15, 0, 0, toOut, 0), // if r0 == 0 goto out
    ...afterStaged,
  ];
  const head = [...loadMap(7, PSEUDO_MAP_VALUE, maps.control), insn(0xb7, 8)]; // r8 = 0
  const back = insn(0x05, 0, 0, -(loop.length + 1)); // goto loop
  return Uint8Array.from([...head, ...loop, back, insn(0xb7, 0), insn(0x95)].flat());
}

function add({ offset, size }: AtomicField, amount: number): number[][] {
  return [
    insn(0x79, 1, 9, amount), // r1 = *(u64 *)(r9 + amount)
    insn(atomic(size), 6, 1, offset), // lock *(r6 + offset) += r1
  ];
}

function exchange({ offset, size }: AtomicField, operands: number): number[][] {
  return [
    insn(0x79, 0, 9, operands), // r0 = what has to be there
    insn(0x79, 1, 9, operands + 8), // r1 = what is put there
    insn(0x1d, 0, 1, 6), // if r0 == r1 goto end
    insn(0xbf, 2, 0), // r2 = r0
    insn(atomic(size), 6, 1, offset, CMPXCHG), // r0 = cmpxchg(r6 + offset, r0, r1)
    insn(0x1d, 0, 2, 3), // if r0 == r2 goto end
    ...increment(Control.conflicts),
  ];
}

/** `BPF_STX | BPF_ATOMIC`, of 8 or 4 bytes. */
function atomic(size: 4 | 8): number {
  return size === 8 ? 0xdb : 0xc3;
}

/** A counter of `control`, at r7, one more. */
function increment(offset: number): number[][] {
  return [insn(0x79, 1, 7, offset), insn(0x07, 1, 0, 0, 1), insn(0x7b, 7, 1, offset)];
}

/** An ld_imm64 takes two slots: each is an instruction of its own in the counts above. */
function loadMap(register: number, kind: number, fd: number): number[][] {
  return [insn(LD_IMM64, register, kind, 0, fd), insn(0)];
}

function insn(opcode: number, dst = 0, src = 0, off = 0, imm = 0): number[] {
  const bytes = new Uint8Array(SLOT);
  const view = new DataView(bytes.buffer);
  bytes[0] = opcode;
  bytes[1] = (src << 4) | dst;
  view.setInt16(2, off, true);
  view.setInt32(4, imm, true);
  return [...bytes];
}
