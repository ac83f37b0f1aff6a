import { type Btf } from '../btf';
import { type FunctionSpec } from '../object';

/** A line of C, as an object's line info has it. */
export interface SourceLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Words of a line info record: instruction, file name, source line, `line << 10 | column`. */
const RECORD = 4;

/** The line of C that an instruction of a function was compiled from, undefined without line info. */
export function sourceLine(btf: Btf | undefined, fn: FunctionSpec, insn: number): SourceLine | undefined {
  if (btf === undefined) return undefined;
  const { lineInfo } = fn;
  let best = -1;
  for (let at = 0; at < lineInfo.length; at += RECORD) {
    if (lineInfo[at]! <= insn && (best < 0 || lineInfo[at]! >= lineInfo[best]!)) best = at;
  }
  if (best < 0) return undefined;
  return { file: btf.string(lineInfo[best + 1]!), line: lineInfo[best + 3]! >>> 10 };
}
