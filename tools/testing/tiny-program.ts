import { Btf, BtfKind } from '../../packages/loader/src/btf';
import { kernelBtfBytes, programLoad, succeeded } from '../../packages/loader/src/kernel';
import { Program } from '../../packages/loader/src/runtime';

export interface TinyProgram {
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** What it returns; 0 if left out. */
  readonly returns?: number;
  readonly attachType?: number;
  /** Name of a tracepoint, for tp_btf. */
  readonly tracepoint?: string;
  readonly name?: string;
  /** Its section name, and what follows the slash, as an object would say it. */
  readonly section?: string | undefined;
  readonly target?: string | undefined;
}

/**
 * A program of two instructions, `r0 = RETURNS; exit`: enough to attach, to count its runs, and to decide about a
 * packet.
 *
 * @example
 * ```ts
 * const drop = tinyProgram({ type: ProgramType.xdp, returns: 1 });
 * ```
 */
export function tinyProgram(tiny: TinyProgram): Program {
  const { type, returns = 0, attachType, tracepoint, name = 'tiny', section, target = tracepoint } = tiny;
  const instructions = new Uint8Array(16);
  const view = new DataView(instructions.buffer);
  view.setUint8(0, 0xb7);
  view.setInt32(4, returns, true);
  view.setUint8(8, 0x95);
  const { result } = programLoad({
    prog_type: type,
    prog_name: name,
    insns: instructions,
    insn_cnt: 2,
    license: 'GPL',
    expected_attach_type: attachType,
    attach_btf_id: tracepoint === undefined ? 0 : tracepointTypeId(tracepoint),
  });
  return new Program(succeeded(result, `load ${name}`), { name, attachType, section, target });
}

/** The kernel's BTF has a typedef for each tracepoint that tp_btf can be on. */
function tracepointTypeId(tracepoint: string): number {
  return Btf.parse(kernelBtfBytes(), { trusted: true }).find(`btf_trace_${tracepoint}`, BtfKind.TYPEDEF);
}
