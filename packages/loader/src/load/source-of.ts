import { Btf } from '../btf';
import { BpfError } from '../errors';

/** A line of C. */
export interface SourceLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The line itself, without the blanks around it. */
  readonly text: string;
}

/** Bytes of `struct bpf_line_info`: instruction, file name, line, `line << 10 | column`. */
const recordSize = 16;

/**
 * The line of C that an instruction of a program was compiled from: the last `bpf_line_info` at or before it.
 *
 * @param lineInfo records in the order of instructions, as BPF_PROG_LOAD takes them
 * @param btf the object's BTF, which holds the texts
 * @returns undefined without line info
 */
export function sourceOf(
  insn: number,
  lineInfo: Uint8Array,
  btf: Uint8Array | undefined,
): SourceLine | undefined {
  if (btf === undefined) return undefined;
  const view = new DataView(lineInfo.buffer, lineInfo.byteOffset, lineInfo.byteLength);
  let best: number | undefined;
  for (
    let at = 0;
    at + recordSize <= lineInfo.byteLength && view.getUint32(at, true) <= insn;
    at += recordSize
  ) {
    best = at;
  }
  if (best === undefined) return undefined;
  const position = view.getUint32(best + 12, true);
  try {
    const types = Btf.parse(btf);
    return {
      file: types.string(view.getUint32(best + 4, true)),
      line: position >>> 10,
      column: position & 1023,
      text: types.string(view.getUint32(best + 8, true)).trim(),
    };
  } catch (error) {
    // Line info is a help in telling another error: where it is broken itself, that error is told without it.
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}
