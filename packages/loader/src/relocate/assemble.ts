import {
  imm,
  isCall,
  isLdImm64,
  PSEUDO_BTF_ID,
  PSEUDO_KFUNC_CALL,
  PSEUDO_MAP_VALUE,
  setImm,
  setImm64,
  setOff,
  setSrc,
  SLOT,
} from '../asm';
import { littleEndianBytes } from '../btf';
import { BpfError } from '../errors';
import { type FunctionSpec, type ObjectSpec, type Reference } from '../object';
import { poison, type RelocatedFunction } from './core';
import { type ResolvedExtern } from './externs';
import { type Layout } from './link';
import { type Binding, type PoisonedRelocation } from './relocated';
import { sourceLine } from './source-line';

/** A program's functions as one: what the kernel is given, but for the bindings. */
export interface AssembledProgram {
  readonly instructions: Uint8Array;
  readonly bindings: readonly Binding[];
  readonly poisoned: readonly PoisonedRelocation[];
  readonly funcInfo: Uint8Array;
  readonly lineInfo: Uint8Array;
}

/** What the functions of an object have become, by their index. */
export interface RelocatedParts {
  readonly functions: ReadonlyMap<number, RelocatedFunction>;
  readonly externs: ReadonlyMap<number, ResolvedExtern>;
  /** Name of the map of section `.kconfig`. */
  readonly kconfigMap: string | undefined;
}

/**
 * The number of the helper that stands for a missing weak kfunc, plus the extern's index. No kernel has it; libbpf
 * uses the same numbers.
 */
const POISON_KFUNC = 2_002_000_000;

/**
 * Puts a program's functions one behind the other, and turns every reference into a number where that is known, and
 * into a binding where only a running kernel knows it.
 */
export function assemble(spec: ObjectSpec, layout: Layout, parts: RelocatedParts): AssembledProgram {
  const placed = [...layout.starts].map(([index, start]) => ({ fn: spec.functions[index]!, index, start }));
  const instructions = new Uint8Array(layout.size * SLOT);
  const bindings: Binding[] = [];
  const poisoned: PoisonedRelocation[] = [];
  for (const { fn, index, start } of placed) {
    const relocated = parts.functions.get(index)!;
    instructions.set(relocated.instructions, start * SLOT);
    for (const entry of relocated.poisoned) poisoned.push({ ...entry, insn: start + entry.insn });
    const refer = new Referrer(spec, fn, start, layout, parts, { instructions, bindings, poisoned });
    for (const reference of fn.references) refer.apply(reference);
  }
  bindings.sort((a, b) => a.insn - b.insn);
  poisoned.sort((a, b) => a.insn - b.insn);
  return { instructions, bindings, poisoned, ...debugInfo(placed) };
}

interface Output {
  readonly instructions: Uint8Array;
  readonly bindings: Binding[];
  readonly poisoned: PoisonedRelocation[];
}

/** Applies the references of one function at its place in a program. */
class Referrer {
  constructor(
    private readonly spec: ObjectSpec,
    private readonly fn: FunctionSpec,
    private readonly start: number,
    private readonly layout: Layout,
    private readonly parts: RelocatedParts,
    private readonly output: Output,
  ) {}

  apply(reference: Reference): void {
    const { instructions, bindings } = this.output;
    const insn = this.start + reference.insn;
    switch (reference.kind) {
      case 'map':
      case 'data':
        if (reference.kind === 'data') this.checkInside(reference.map, reference.insn);
        setImm(instructions, insn, 0);
        bindings.push({ kind: reference.kind, insn, map: reference.map });
        return;
      case 'call':
      case 'function': {
        const target = this.layout.starts.get(reference.function)!;
        setImm(instructions, insn, target - insn - 1);
        if (reference.kind === 'function') setImm(instructions, insn + 1, 0);
        return;
      }
      case 'jump-table':
        setImm(instructions, insn, 0);
        bindings.push({
          kind: 'jump-table',
          insn,
          targets: reference.targets.map((target) => this.start + target / SLOT),
        });
        return;
      case 'extern':
        this.applyExtern(reference.extern, reference.insn);
    }
  }

  /** The kernel would refuse it, too, without saying which variable. The variables of an arena were checked before. */
  private checkInside(name: string, insn: number): void {
    const map = this.spec.maps.find((each) => each.name === name)!;
    const offset = imm(this.fn.instructions, insn + 1);
    if (map.origin !== 'data' || (offset >= 0 && offset < map.valueSize)) return;
    throw new BpfError(
      'RELOCATION_INVALID',
      `${this.spec.name}: function '${this.fn.name}', instruction ${insn}: address of a variable`,
      {
        object: this.spec.name,
        section: this.fn.section,
        insn,
        map: name,
        found: `byte ${offset} of section '${name}', which has ${map.valueSize}`,
        expected: 'an address inside',
        ...sourceLine(this.spec.btf, this.fn, insn),
      },
    );
  }

  private applyExtern(index: number, localInsn: number): void {
    const { instructions } = this.output;
    const extern = this.parts.externs.get(index)!;
    const insn = this.start + localInsn;
    if (isLdImm64(instructions, insn)) this.loadExtern(extern, insn);
    else if (isCall(instructions, insn) && extern.kind === 'btf') this.callKfunc(extern, insn);
    else if (isCall(instructions, insn) && extern.kind === 'missing') this.poisonKfunc(index, localInsn);
    else throw this.misused(index, localInsn);
  }

  private loadExtern(extern: ResolvedExtern, insn: number): void {
    const { instructions, bindings } = this.output;
    switch (extern.kind) {
      case 'kconfig':
        setSrc(instructions, insn, PSEUDO_MAP_VALUE);
        setImm(instructions, insn, 0);
        setImm(instructions, insn + 1, extern.offset);
        bindings.push({ kind: 'data', insn, map: this.parts.kconfigMap! });
        return;
      case 'ksym':
        setSrc(instructions, insn, 0);
        setImm64(instructions, insn, 0n);
        bindings.push({ kind: 'ksym', insn, symbol: extern.symbol, weak: extern.weak });
        return;
      case 'btf':
        setSrc(instructions, insn, PSEUDO_BTF_ID);
        setImm(instructions, insn, extern.typeId);
        setImm(instructions, insn + 1, 0);
        if (extern.module !== undefined) bindings.push({ kind: 'module-ksym', insn, module: extern.module });
        return;
      case 'missing':
        setSrc(instructions, insn, 0);
        setImm64(instructions, insn, 0n);
    }
  }

  private callKfunc(extern: ResolvedExtern & { kind: 'btf' }, insn: number): void {
    const { instructions, bindings } = this.output;
    setSrc(instructions, insn, PSEUDO_KFUNC_CALL);
    setImm(instructions, insn, extern.typeId);
    setOff(instructions, insn, 0);
    if (extern.module !== undefined) bindings.push({ kind: 'module-kfunc', insn, module: extern.module });
  }

  private poisonKfunc(index: number, localInsn: number): void {
    const { instructions, poisoned } = this.output;
    const { name } = this.spec.externs[index]!;
    const { file, line } = sourceLine(this.spec.btf, this.fn, localInsn) ?? {
      file: undefined,
      line: undefined,
    };
    const insn = this.start + localInsn;
    poison(instructions, insn, POISON_KFUNC + index);
    poisoned.push({
      insn,
      kind: 'kfunc',
      target: name,
      access: '',
      reason: 'this kernel does not have it',
      file,
      line,
    });
  }

  private misused(index: number, insn: number): BpfError {
    const { name } = this.spec.externs[index]!;
    return new BpfError(
      'RELOCATION_INVALID',
      `${this.spec.name}: function '${this.fn.name}', instruction ${insn}`,
      {
        object: this.spec.name,
        section: this.fn.section,
        insn,
        symbol: name,
        found: `a reference to extern '${name}'`,
        expected: 'a call of a kfunc or an ld_imm64',
        ...sourceLine(this.spec.btf, this.fn, insn),
      },
    );
  }
}

/** Words of `struct bpf_func_info` and `struct bpf_line_info`. */
const FUNC_INFO = 2;
const LINE_INFO = 4;

/**
 * Function and line info of the whole program. The kernel wants both for every function or for none (`check_btf_func`
 * and `check_btf_line` in kernel/bpf/verifier.c), so one function without leaves the program without.
 */
function debugInfo(
  placed: readonly { readonly fn: FunctionSpec; readonly start: number }[],
): Pick<AssembledProgram, 'funcInfo' | 'lineInfo'> {
  const functions = placed.every(({ fn }) => fn.typeId !== 0);
  const lines = functions && placed.every(({ fn }) => fn.lineInfo.length > 0 && fn.lineInfo[0] === 0);
  const funcInfo = new Uint32Array(functions ? placed.length * FUNC_INFO : 0);
  const lineInfo = new Uint32Array(
    lines ? placed.reduce((words, { fn }) => words + fn.lineInfo.length, 0) : 0,
  );
  let at = 0;
  placed.forEach(({ fn, start }, i) => {
    if (functions) funcInfo.set([start, fn.typeId], i * FUNC_INFO);
    if (!lines) return;
    lineInfo.set(fn.lineInfo, at);
    for (const end = at + fn.lineInfo.length; at < end; at += LINE_INFO) lineInfo[at]! += start;
  });
  return { funcInfo: littleEndianBytes(funcInfo), lineInfo: littleEndianBytes(lineInfo) };
}
