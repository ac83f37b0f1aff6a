import { PROG_INFO } from './info-layouts';
import { requireInfo } from './info';
import { decode, encode, layoutSize, type LayoutInput } from './layout';

/** What the kernel says about a program. */
export interface ProgramInfo {
  readonly id: number;
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** At most 15 bytes. */
  readonly name: string;
  /** 16 hex digits. */
  readonly tag: string;
  /** Ids of the maps it uses or is bound to, in the kernel's order. */
  readonly mapIds: readonly number[];
  readonly btfId: number;
  readonly gplCompatible: boolean;
  /** Nanoseconds since boot. */
  readonly loadTime: bigint;
  readonly createdByUid: number;
  readonly ifindex: number;
  /** Bytes of the translated and of the compiled program; 0 where they may not be seen. */
  readonly xlatedSize: number;
  readonly jitedSize: number;
  /** Instructions that the verifier walked through; 0 from kernels before 5.16. */
  readonly verifiedInsns: number;
  readonly attachBtfId: number;
  readonly attachBtfObjectId: number;
  /** Counted only while statistics are enabled. */
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
  readonly recursionMisses: bigint;
}

/** Code of a program as the verifier left it: map fds are ids, contexts are rewritten, helpers are addresses. */
export interface ProgramCode {
  /** 8-byte slots. Empty where the process may not see them (CAP_PERFMON and bpf_jit_harden decide). */
  readonly instructions: Uint8Array;
  /** `struct bpf_func_info` and `struct bpf_line_info` records in the sizes given. */
  readonly funcInfo: Uint8Array;
  readonly funcInfoSize: number;
  readonly lineInfo: Uint8Array;
  readonly lineInfoSize: number;
}

const size = layoutSize(PROG_INFO);

/**
 * What the kernel says about the program behind an fd.
 *
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * programInfo(programFd).name; // 'edge_guard'
 * programInfo(programFd).tag; // such as '76b45ec3e0e0ffc4'
 * ```
 */
export function programInfo(fd: number): ProgramInfo {
  const { info, mapIds } = infoWithMapIds(fd);
  return {
    id: info.id,
    type: info.type,
    name: info.name,
    tag: info.tag,
    mapIds,
    btfId: info.btf_id,
    gplCompatible: (info.gpl_compatible & 1) === 1,
    loadTime: info.load_time,
    createdByUid: info.created_by_uid,
    ifindex: info.ifindex,
    xlatedSize: info.xlated_prog_len,
    jitedSize: info.jited_prog_len,
    verifiedInsns: info.verified_insns,
    attachBtfId: info.attach_btf_id,
    attachBtfObjectId: info.attach_btf_obj_id,
    runTimeNs: info.run_time_ns,
    runCount: info.run_cnt,
    recursionMisses: info.recursion_misses,
  };
}

/** The counts come from a call without arrays; a call that asks for no arrays can't run out of room. */
function infoWithMapIds(fd: number) {
  // Nearly all programs have few maps: one call does, where the ids fit into what is offered at once.
  const offered = new Uint32Array(16);
  let info = ask(fd, { map_ids: new Uint8Array(offered.buffer), nr_map_ids: offered.length });
  if (info.nr_map_ids <= offered.length) return { info, mapIds: [...offered.subarray(0, info.nr_map_ids)] };
  const ids = new Uint32Array(info.nr_map_ids);
  info = ask(fd, { map_ids: new Uint8Array(ids.buffer), nr_map_ids: ids.length });
  return { info, mapIds: [...ids.subarray(0, info.nr_map_ids)] };
}

/**
 * The translated instructions and debug records of a program: two calls, the first for their sizes.
 *
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * disassemble(programCode(programFd).instructions).at(-1); // 'exit'
 * ```
 */
export function programCode(fd: number): ProgramCode {
  const sizes = ask(fd, {});
  const instructions = new Uint8Array(sizes.xlated_prog_len);
  const funcInfo = new Uint8Array(sizes.nr_func_info * sizes.func_info_rec_size);
  const lineInfo = new Uint8Array(sizes.nr_line_info * sizes.line_info_rec_size);
  const info = ask(fd, {
    xlated_prog_insns: instructions,
    xlated_prog_len: instructions.byteLength,
    func_info: funcInfo,
    nr_func_info: sizes.nr_func_info,
    func_info_rec_size: sizes.func_info_rec_size,
    line_info: lineInfo,
    nr_line_info: sizes.nr_line_info,
    line_info_rec_size: sizes.line_info_rec_size,
  });
  // The kernel clears the pointer of what this process may not see.
  const visible = info.xlated_prog_insns !== 0n;
  return {
    instructions: visible ? instructions : new Uint8Array(0),
    funcInfo,
    funcInfoSize: sizes.func_info_rec_size,
    lineInfo,
    lineInfoSize: sizes.line_info_rec_size,
  };
}

function ask(fd: number, wanted: LayoutInput<typeof PROG_INFO>) {
  const request = encode(PROG_INFO, wanted, new Uint8Array(size));
  requireInfo(fd, request.bytes);
  return decode(PROG_INFO, request.bytes);
}
