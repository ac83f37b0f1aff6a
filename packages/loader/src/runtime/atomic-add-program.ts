import { CALL, LD_IMM64, PSEUDO_MAP_FD, PSEUDO_MAP_VALUE, SLOT } from '../asm';

/** An integer of a map's value: whole bytes, 4 or 8 of them, aligned to its size. */
export interface AddedField {
  /** Bytes from the start of the value. */
  readonly offset: number;
  readonly size: 4 | 8;
}

/** What the program works on, by fd. */
export interface AddedMaps {
  /** One value of three u64: how many entries are staged, how many were added to, how many keys were not there. */
  readonly control: number;
  /** An array: in each value the key, padded to 8 bytes, the number of a CPU as u64, then an amount for each field. */
  readonly staging: number;
  readonly target: number;
}

/** Entries that one run goes through: the verifier walks the loop that often. */
export const STAGED = 256;

const LOOKUP = 1; // bpf_map_lookup_elem
const LOOKUP_PERCPU = 195; // bpf_map_lookup_percpu_elem (Linux 5.19)

/** Offset of the CPU's number in a staged value; the amounts follow it. */
export function cpuOffset(keySize: number): number {
  return Math.ceil(keySize / 8) * 8;
}

/**
 * The instructions of a program that adds staged amounts to fields of a map's values, each with one atomic
 * instruction: nothing that other programs add at the same time is lost, as long as they add atomically too.
 *
 * In C:
 *
 *     for (i = 0; i < control->count && i < STAGED; i++) {
 *       staged = bpf_map_lookup_elem(&staging, &i);
 *       value = bpf_map_lookup_elem(&target, staged->key);
 *       if (value) { __sync_fetch_and_add(&value->field, staged->amount); control->added++; }
 *       else control->missing++;
 *     }
 */
export function atomicAddInstructions(
  maps: AddedMaps,
  keySize: number,
  perCpu: boolean,
  fields: readonly AddedField[],
): Uint8Array {
  const cpu = cpuOffset(keySize);
  const target = [
    ...loadMap(1, PSEUDO_MAP_FD, maps.target),
    insn(0xbf, 2, 9), // r2 = r9
    ...(perCpu ? [insn(0x61, 3, 9, cpu)] : []), // r3 = *(u32 *)(r9 + cpu)
    insn(CALL, 0, 0, 0, perCpu ? LOOKUP_PERCPU : LOOKUP),
  ];
  const additions = fields.flatMap(({ offset, size }, i) => [
    insn(0x79, 1, 9, cpu + 8 + 8 * i), // r1 = *(u64 *)(r9 + amount)
    insn(size === 8 ? 0xdb : 0xc3, 0, 1, offset), // lock *(r0 + offset) += r1
  ]);
  const found = [...additions, ...increment(8)];
  const missing = increment(16);
  const work = [
    insn(0x63, 10, 8, -4), // *(u32 *)(r10 - 4) = r8
    ...loadMap(1, PSEUDO_MAP_FD, maps.staging),
    insn(0xbf, 2, 10), // r2 = r10
    insn(0x07, 2, 0, 0, -4), // r2 += -4
    insn(CALL, 0, 0, 0, LOOKUP),
  ];
  const afterStaged = [
    insn(0xbf, 9, 0), // r9 = r0
    ...target,
    insn(0x15, 0, 0, found.length + 1, 0), // if r0 == 0 goto missing
    ...found,
    insn(0x05, 0, 0, missing.length), // goto next
    ...missing,
    insn(0x07, 8, 0, 0, 1), // next: r8 += 1
  ];
  const head = [...loadMap(7, PSEUDO_MAP_VALUE, maps.control), insn(0xb7, 8)]; // r8 = 0
  const toOut = afterStaged.length + 1;
  const loop = [
    insn(0x79, 1, 7, 0), // r1 = *(u64 *)(r7 + 0)
    insn(0x3d, 8, 1, 1 + work.length + 1 + toOut), // if r8 >= r1 goto out
    insn(0x35, 8, 0, work.length + 1 + toOut, STAGED), // if r8 >= STAGED goto out
    ...work,
    insn(0x15, 0, 0, toOut, 0), // if r0 == 0 goto out
    ...afterStaged,
  ];
  const back = insn(0x05, 0, 0, -(loop.length + 1)); // goto loop
  return Uint8Array.from([...head, ...loop, back, insn(0xb7, 0), insn(0x95)].flat());
}

/** `control`, at r7, one more. */
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
