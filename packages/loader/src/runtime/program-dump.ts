import {
  CALL,
  disassemble,
  imm,
  isLdImm64,
  off,
  opcode,
  PSEUDO_CALL,
  PSEUDO_MAP_FD,
  PSEUDO_MAP_VALUE,
  slotCount,
  src,
} from '../asm';
import { type Btf } from '../btf';
import {
  functionsAt,
  kernelSymbols,
  mapInfo,
  programCode,
  programInfo,
  withObject,
  type ProgramCode,
} from '../kernel';
import { sourceRecords, type SourceLine } from '../load';
import { loadedBtf } from './map-btf';

/** An instruction of a program in the kernel. */
export interface DumpedInstruction {
  /** Index of its (first) slot of 8 bytes. */
  readonly insn: number;
  /** In the notation of the verifier's log. */
  readonly text: string;
  /** The function that begins here. */
  readonly function?: string | undefined;
  /** The line of C that begins here. */
  readonly source?: SourceLine | undefined;
}

/** The program behind an fd as the verifier left it: see {@link Program.dump}. */
export function dumpProgram(fd: number, name: string): DumpedInstruction[] {
  const code = programCode(fd);
  const btf = loadedBtf(programInfo(fd).btfId, `program '${name}'`);
  const functions = functionNames(code, btf);
  const lines = new Map(
    (btf === undefined ? [] : sourceRecords(code.lineInfo, btf, code.lineInfoSize)).map(
      ({ insn, ...source }) => [insn, source],
    ),
  );
  const symbols = references(code.instructions, functions);
  const texts = disassemble(code.instructions, { symbol: (insn) => symbols.get(insn) });
  let slot = 0;
  return texts.map((text) => {
    const insn = slot;
    slot += isLdImm64(code.instructions, insn) ? 2 : 1;
    return { insn, text, function: functions.get(insn), source: lines.get(insn) };
  });
}

/** Names of functions by the slot at which they begin, from `struct bpf_func_info`: u32 slot, u32 type id. */
function functionNames({ funcInfo, funcInfoSize }: ProgramCode, btf: Btf | undefined): Map<number, string> {
  const names = new Map<number, string>();
  if (btf === undefined || funcInfoSize < 8) return names;
  const view = new DataView(funcInfo.buffer, funcInfo.byteOffset, funcInfo.byteLength);
  for (let at = 0; at + funcInfoSize <= funcInfo.byteLength; at += funcInfoSize) {
    names.set(view.getUint32(at, true), btf.name(view.getUint32(at + 4, true)));
  }
  return names;
}

/** What instructions refer to, by slot. */
function references(insns: Uint8Array, functions: ReadonlyMap<number, string>): Map<number, string> {
  const symbols = new Map<number, string>();
  const calls = new Map<number, bigint>();
  const [base] = kernelCallBase();
  for (let i = 0; i < slotCount(insns); i++) {
    if (isLdImm64(insns, i)) {
      const name = mapReference(insns, i);
      if (name !== undefined) symbols.set(i, name);
      i++;
    } else if (opcode(insns, i) === CALL) {
      if (src(insns, i) === PSEUDO_CALL) {
        // Of a program that was compiled the distance is in the offset, and the immediate counts functions.
        const name = functions.get(i + 1 + (off(insns, i) || imm(insns, i)));
        if (name !== undefined) symbols.set(i, name);
      } else if (base !== undefined && imm(insns, i) !== 0) {
        calls.set(i, BigInt.asUintN(64, base + BigInt(imm(insns, i))));
      }
    }
  }
  if (calls.size > 0) {
    const names = functionsAt(new Set(calls.values()));
    for (const [insn, address] of calls) {
      const name = names.get(address);
      if (name !== undefined) symbols.set(insn, name);
    }
  }
  return symbols;
}

/** Where helpers and kfuncs are counted from in translated programs; none where addresses may not be seen. */
function kernelCallBase(): readonly bigint[] {
  try {
    return kernelSymbols(['__bpf_call_base']).get('__bpf_call_base') ?? [];
  } catch {
    return [];
  }
}

function mapReference(insns: Uint8Array, i: number): string | undefined {
  const kind = src(insns, i);
  if (kind !== PSEUDO_MAP_FD && kind !== PSEUDO_MAP_VALUE) return undefined;
  const id = imm(insns, i);
  const name = withObject('map', id, (fd) => mapInfo(fd).name);
  return name ?? `id:${id}`;
}
