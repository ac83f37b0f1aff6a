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

/** Where in the instructions a line of C begins. */
export interface SourceRecord extends SourceLine {
  readonly insn: number;
}

/**
 * The line of C that an instruction of a program was compiled from: the last `bpf_line_info` at or before it.
 *
 * @param lineInfo records in the order of instructions, as BPF_PROG_LOAD takes them
 * @param btf the object's BTF, which holds the texts
 * @returns undefined without line info
 *
 * @example
 * ```ts
 * const [program] = relocated.programs;
 * sourceOf(0, program!.lineInfo, relocated.btf)?.line; // such as 12
 * ```
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
  try {
    const { file, line, column, text } = recordAt(view, best, Btf.parse(btf));
    return { file, line, column, text };
  } catch (error) {
    // Line info is a help in telling another error: where it is broken itself, that error is told without it.
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/**
 * Every record of line info, in its order.
 *
 * @param btf types whose strings the records refer to
 * @param size bytes of a record: a newer kernel's may be longer
 * @throws BpfError BTF_MALFORMED for a string that is not there
 */
export function sourceRecords(lineInfo: Uint8Array, btf: Btf, size: number): SourceRecord[] {
  if (size < recordSize) return [];
  const view = new DataView(lineInfo.buffer, lineInfo.byteOffset, lineInfo.byteLength);
  const records: SourceRecord[] = [];
  for (let at = 0; at + size <= lineInfo.byteLength; at += size) records.push(recordAt(view, at, btf));
  return records;
}

function recordAt(view: DataView, at: number, btf: Btf): SourceRecord {
  const position = view.getUint32(at + 12, true);
  return {
    insn: view.getUint32(at, true),
    file: btf.string(view.getUint32(at + 4, true)),
    line: position >>> 10,
    column: position & 1023,
    text: btf.string(view.getUint32(at + 8, true)).trim(),
  };
}
