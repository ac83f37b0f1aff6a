import {
  coreKind,
  CORE_RELOCATION_WORDS,
  disassemble,
  programFunctions,
  type FunctionSpec,
  type ObjectSpec,
  type PlacedFunction,
} from '@nx-bpf/loader';

/** A function of a program as people read it: C, and what was made of it. */
export interface ListedFunction {
  readonly name: string;
  /** Relative to the workspace; '' without line information. */
  readonly file: string;
  readonly lines: readonly ListedLine[];
}

/** A line of C with instructions that came of it, in the order of these: a line that was taken apart is there again. */
export interface ListedLine {
  /** 0 for instructions that no line is known of. */
  readonly line: number;
  readonly source: string;
  readonly instructions: readonly ListedInstruction[];
}

export interface ListedInstruction {
  /** Of the linked program, in slots. */
  readonly insn: number;
  readonly text: string;
  /** What a CO-RE relocation puts into it: `byte_off struct task_struct 0:2`. */
  readonly relocation: string | undefined;
}

/** Words of a line info record: instruction, file name, source line, `line << 10 | column`. */
const LINE_WORDS = 4;

/** A program function by function, as it is once linked, with names where a kernel will put numbers. */
export function listingOf(spec: ObjectSpec, program: string): ListedFunction[] {
  return programFunctions(spec, program).map((placed) => listFunction(spec, placed));
}

function listFunction(spec: ObjectSpec, { function: fn, start }: PlacedFunction): ListedFunction {
  const names = new Map(fn.references.map((reference) => [reference.insn, referredTo(spec, reference)]));
  const relocations = relocationsOf(spec, fn);
  const texts = disassemble(fn.instructions, { numbers: true, symbol: (insn) => names.get(insn) });
  const starts = lineStarts(spec, fn);
  const lines: { line: number; source: string; instructions: ListedInstruction[] }[] = [];
  let file = '';
  let at = -1;
  for (const text of texts) {
    const [, number = '0', rest = ''] = /^(\d+): \([0-9a-f]{2}\) (.*)$/.exec(text) ?? [];
    const insn = Number(number);
    const before = at;
    while (at + 1 < starts.length && starts[at + 1]!.insn <= insn) at++;
    const place = starts[at];
    if (file === '' && place !== undefined) file = place.file;
    if (lines.length === 0 || (at !== before && lines.at(-1)!.line !== place?.line)) {
      lines.push({ line: place?.line ?? 0, source: place?.source ?? '', instructions: [] });
    }
    lines.at(-1)!.instructions.push({ insn: start + insn, text: rest, relocation: relocations.get(insn) });
  }
  return { name: fn.name, file, lines };
}

function lineStarts(
  { btf }: ObjectSpec,
  { lineInfo }: FunctionSpec,
): { insn: number; file: string; line: number; source: string }[] {
  if (btf === undefined) return [];
  const starts = Array.from({ length: lineInfo.length / LINE_WORDS }, (_, i) => {
    const [insn, file, text, place] = lineInfo.subarray(i * LINE_WORDS);
    return {
      insn: insn!,
      file: btf.string(file!).replace(/^\.\//, ''),
      line: place! >>> 10,
      source: btf.string(text!),
    };
  });
  return starts.sort((a, b) => a.insn - b.insn);
}

function relocationsOf({ btf }: ObjectSpec, { coreRelocations }: FunctionSpec): Map<number, string> {
  const found = new Map<number, string>();
  for (let at = 0; btf !== undefined && at < coreRelocations.length; at += CORE_RELOCATION_WORDS) {
    const [insn, type, access, kind] = coreRelocations.subarray(at);
    const name = coreKind(kind!)?.name ?? `kind ${kind}`;
    found.set(insn!, `${name} ${btf.describe(type!)} ${btf.string(access!)}`);
  }
  return found;
}

/** What a reference is to, by name. */
export function referredTo(spec: ObjectSpec, reference: FunctionSpec['references'][number]): string {
  switch (reference.kind) {
    case 'map':
    case 'data':
      return reference.map;
    case 'call':
    case 'function':
      return spec.functions[reference.function]!.name;
    case 'jump-table':
      return `table of ${reference.targets.length} jumps`;
    case 'extern':
      return spec.externs[reference.extern]!.name;
  }
}
