import { BtfBuilder, BtfKind, IntEncoding, Linkage } from '../btf';
import { btfLoad, closeFd, Errno, programLoad, runningKernel, type ProgramLoadAttributes } from '../kernel';
import { ProgramType } from '../object';

/** What the kernel and messages call such programs. */
export const trialName = 'nx_trial';

/** `r0 = 0; exit`: 0 is in the range of every type that has one, and lets pass whatever is asked. */
const nothing = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** `call the function behind the exit; exit; r0 = 0; exit` */
const callsNothing = Uint8Array.of(0x85, 0x10, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0, ...nothing);

/** What a program that is only tried asks for besides its instructions. */
export type TrialProgram = Omit<ProgramLoadAttributes, 'insns' | 'insn_cnt' | 'license'> & {
  readonly prog_type: number;
};

/**
 * Loads a program that does nothing.
 *
 * @returns its fd, which the caller closes, or the negative error number
 */
export function loadNothing(attributes: TrialProgram): number {
  return load(nothing, attributes);
}

/** Names in the kernel's types, tried in their order, and of which kind they are. */
export interface BtfTarget {
  readonly names: readonly string[];
  readonly kind: BtfKind;
}

/**
 * The same, for something that the kernel's types describe.
 *
 * @returns also -ESRCH when they have none of the names
 * @throws BpfError KERNEL_BTF_MISSING
 */
export function loadByBtf({ names, kind }: BtfTarget, attributes: TrialProgram): number {
  const btf = runningKernel().btf();
  const id = names.map((name) => btf.find(name, kind)).find((found) => found !== 0);
  return id === undefined ? -Errno.ESRCH : loadNothing({ ...attributes, attach_btf_id: id });
}

/** A function of the kernel. */
export function kernelFunction(...names: readonly string[]): BtfTarget {
  return { names, kind: BtfKind.FUNC };
}

/** A tracepoint: the kernel's types have a typedef for each. */
export function kernelTracepoint(...names: readonly string[]): BtfTarget {
  return { names: names.map((name) => `btf_trace_${name}`), kind: BtfKind.TYPEDEF };
}

/** Loads a program whose place is a function of another program, which is loaded for it. */
export function loadReplacement(): number {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, IntEncoding.SIGNED);
  const prototype = builder.funcProto(int, []);
  const main = builder.func('main', prototype, Linkage.GLOBAL);
  const replaced = builder.func('replaced', prototype, Linkage.GLOBAL);
  const btf = btfLoad(builder.build());
  try {
    const functions = (...records: readonly number[]): Partial<ProgramLoadAttributes> => ({
      prog_btf_fd: btf,
      func_info: new Uint8Array(Uint32Array.from(records).buffer),
      func_info_rec_size: 8,
      func_info_cnt: records.length / 2,
    });
    const target = load(callsNothing, {
      prog_type: ProgramType.socket_filter,
      ...functions(0, main, 2, replaced),
    });
    if (target < 0) return target;
    try {
      return loadNothing({
        prog_type: ProgramType.ext,
        attach_fd: target,
        attach_btf_id: replaced,
        ...functions(0, replaced),
      });
    } finally {
      closeFd(target);
    }
  } finally {
    closeFd(btf);
  }
}

function load(instructions: Uint8Array, attributes: TrialProgram): number {
  return programLoad({
    prog_name: trialName,
    ...attributes,
    insns: instructions,
    insn_cnt: instructions.length / 8,
    license: 'GPL',
  }).result;
}
