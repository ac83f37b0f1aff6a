import { BpfError } from '../errors';
import { type ExternSpec, type ObjectSpec, type ProgramSpec } from '../object';
import { findAttachTarget } from './attach-target';
import { coreKind, CoreResolver } from './core';
import { ExceptionCallbacks } from './exception-callbacks';
import { firstUses, resolveExtern } from './externs';
import { kindsOfBpf } from './kinds-of-bpf';
import { layoutProgram, type Layout } from './link';
import { relocateObject } from './relocate-object';
import { type RelocatedObject, type RelocatedProgram } from './relocated';
import { type Requirement } from './requirement';
import { namedPrograms } from './select-programs';
import { selectStructOps } from './select-struct-ops';
import { resolveStructOps } from './struct-ops';
import { sourceLine } from './source-line';
import { type TargetKernel } from './target';

/** What a program asks of one kernel, and what it gets. */
export interface ProgramRequirements {
  /** In the order of instructions; what has none is first. */
  readonly requirements: readonly Requirement[];
  /**
   * The program as far as it can be relocated: what is missing is poisoned, also where that alone is an error. undefined
   * after an error that leaves nothing.
   */
  readonly relocated: { readonly object: RelocatedObject; readonly program: RelocatedProgram } | undefined;
}

/**
 * Everything that a program asks of a kernel: every CO-RE relocation, kfunc, symbol, configuration value and helper,
 * its type and attach target, and the types of its maps. Where `relocateObject` ends at the first problem, this goes on.
 *
 * @param name of the program
 * @param options.attachedToProgram it is for a function of another BPF program, which no kernel's types have
 * @throws BpfError PROGRAM_NOT_FOUND, PROGRAM_INVALID
 *
 * @example
 * ```ts
 * const { requirements } = requirementsOf(parseObject(bytes, { name: 'edge' }), 'edge_guard', { btf: () => kernelBtf });
 * requirements.filter(({ state }) => state === 'missing').length; // 0
 * ```
 */
export function requirementsOf(
  spec: ObjectSpec,
  name: string,
  target: TargetKernel,
  options: { readonly attachedToProgram?: boolean | undefined } = {},
): ProgramRequirements {
  const program = namedPrograms(spec, [name])[0]!;
  const layout = layoutProgram(spec, program.function, new ExceptionCallbacks(spec).of(program.function));
  const toProgram = options.attachedToProgram === true;
  const attached = toProgram ? [] : attachRequirement(spec, program, target);
  const all = [
    ...kindsOfBpf(spec, program, layout, target),
    ...attached,
    ...structOpsRequirements(spec, program, target),
    ...coreRequirements(spec, layout, target),
    ...externRequirements(spec, layout, target),
  ];
  all.sort((a, b) => (a.insn ?? -1) - (b.insn ?? -1));
  return settled(spec, program, target, all, toProgram || attached.some(({ error }) => error !== undefined));
}

/** Relocates what can be; an error that nobody has named yet is one more requirement. */
function settled(
  spec: ObjectSpec,
  { name }: ProgramSpec,
  target: TargetKernel,
  requirements: readonly Requirement[],
  withoutTarget: boolean,
): ProgramRequirements {
  // What a strong extern lacks has been said: a weak one lets the rest of the program be seen.
  const lenient = { ...spec, externs: spec.externs.map((extern) => ({ ...extern, weak: true })) };
  try {
    const object = relocateObject(lenient, target, {
      programs: [name],
      attachedToPrograms: withoutTarget ? [name] : [],
    });
    const program = object.programs.find((each) => each.name === name)!;
    return { requirements: withReasons(requirements, program), relocated: { object, program } };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    const said = requirements.some((each) => each.error !== undefined);
    const { insn, file, line } = error.fields;
    return {
      requirements: said
        ? requirements
        : [
            ...requirements,
            { kind: 'relocation', name, state: 'missing', answer: undefined, error, insn, file, line },
          ],
      relocated: undefined,
    };
  }
}

/** Instructions that were poisoned although the kernel has the field: it has another width there. */
function withReasons(requirements: readonly Requirement[], program: RelocatedProgram): Requirement[] {
  const reasons = new Map(program.poisoned.map(({ insn, reason }) => [insn, reason]));
  return requirements.map((requirement) => {
    const reason = requirement.insn === undefined ? undefined : reasons.get(requirement.insn);
    if (reason === undefined || requirement.state !== 'found' || coreless.has(requirement.kind)) {
      return requirement;
    }
    return { ...requirement, state: 'missing', answer: reason };
  });
}

const coreless = new Set(['kfunc', 'helper', 'variable', 'symbol', 'kconfig', 'attach target', 'struct_ops']);

function attachRequirement(spec: ObjectSpec, program: ProgramSpec, target: TargetKernel): Requirement[] {
  const base = {
    kind: 'attach target',
    name: program.target ?? '',
    insn: undefined,
    ...mainLine(spec, program),
  };
  try {
    const found = findAttachTarget(spec.name, program, target);
    if (found === undefined) return [];
    return [{ ...base, state: 'found', answer: place(found.module), error: undefined }];
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return [{ ...base, state: 'missing', answer: undefined, error }];
  }
}

function structOpsRequirements(spec: ObjectSpec, program: ProgramSpec, target: TargetKernel): Requirement[] {
  const maps = selectStructOps(spec, [program.name]);
  return maps.map((map): Requirement => {
    const base = { kind: 'struct_ops', name: map.name, insn: undefined, ...mainLine(spec, program) };
    try {
      const [resolved] = resolveStructOps(spec, [map], target).maps;
      const module = resolved?.structOps?.kernelType?.module;
      return { ...base, state: 'found', answer: place(module), error: undefined };
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return { ...base, state: 'missing', answer: undefined, error };
    }
  });
}

/** Where a program as a whole is: its first line. */
function mainLine(spec: ObjectSpec, { function: main }: ProgramSpec): Pick<Requirement, 'file' | 'line'> {
  return sourceLine(spec.btf, spec.functions[main]!, 0) ?? { file: undefined, line: undefined };
}

function place(module: string | undefined): string {
  return module === undefined ? 'vmlinux' : `module ${module}`;
}

/** Words of a record: instruction, type id, access string, kind. */
const RECORD = 4;

function coreRequirements(spec: ObjectSpec, layout: Layout, target: TargetKernel): Requirement[] {
  const { btf } = spec;
  if (btf === undefined) return [];
  const resolver = new CoreResolver(btf, target);
  return [...layout.starts].flatMap(([index, start]) => {
    const fn = spec.functions[index]!;
    const requirements: Requirement[] = [];
    for (let at = 0; at + RECORD <= fn.coreRelocations.length; at += RECORD) {
      const [insn, typeId, access, kind] = fn.coreRelocations.subarray(at, at + RECORD) as unknown as [
        number,
        number,
        number,
        number,
      ];
      const where = sourceLine(btf, fn, insn) ?? { file: undefined, line: undefined };
      const base = { kind: coreKind(kind)?.name ?? `${kind}`, insn: start + insn, ...where };
      try {
        const resolution = resolver.resolve({ typeId, access, kind });
        const value = resolution.target?.value;
        const state =
          value === undefined ? 'missing' : asksWhether(base.kind) && value === 0n ? 'absent' : 'found';
        const answer =
          value === undefined ? 'this kernel does not have it' : String(BigInt.asIntN(64, value));
        requirements.push({ ...base, name: resolution.describe(), state, answer, error: undefined });
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        const name = error.fields.symbol ?? btf.describe(typeId);
        requirements.push({ ...base, name, state: 'missing', answer: undefined, error });
      }
    }
    return requirements;
  });
}

/** Kinds whose 0 means that there is no such thing. */
function asksWhether(kind: string): boolean {
  return /_exists$|^type_matches$|^type_size$|^target_type_id$/.test(kind);
}

function externRequirements(spec: ObjectSpec, layout: Layout, target: TargetKernel): Requirement[] {
  const uses = firstUses(spec, layout.starts.keys());
  const size = spec.maps.find(({ origin }) => origin === 'kconfig')?.valueSize;
  const kconfig = size === undefined ? undefined : new Uint8Array(size);
  return [...uses].map(([index, use]): Requirement => {
    const extern = spec.externs[index]!;
    const result = resolveExtern(spec, extern, target, kconfig);
    const fn = [...layout.starts].find(([each]) => spec.functions[each]!.name === use.function);
    const base = {
      kind: externKind(extern),
      name: extern.name,
      insn: (fn?.[1] ?? 0) + use.insn,
      file: use.file,
      line: use.line,
    };
    if ('problem' in result) {
      const { problem, hint } = result;
      const error = new BpfError('EXTERN_UNRESOLVED', `extern '${extern.name}': ${problem}`, {
        object: spec.name,
        symbol: extern.name,
        insn: base.insn,
        file: use.file,
        line: use.line,
        hint,
      });
      return { ...base, state: 'missing', answer: undefined, error };
    }
    switch (result.kind) {
      case 'btf':
        return { ...base, state: 'found', answer: place(result.module), error: undefined };
      case 'kconfig':
        return { ...base, ...configured(extern, target), error: undefined };
      case 'ksym':
        return { ...base, state: 'open', answer: undefined, error: undefined };
      default:
        // A weak kfunc that is called is poisoned where it is called; asked for its address, it says 0.
        return { ...base, state: 'absent', answer: '0', error: undefined };
    }
  });
}

function configured(extern: ExternSpec, target: TargetKernel): Pick<Requirement, 'state' | 'answer'> {
  if (!extern.name.startsWith('CONFIG_')) return { state: 'found', answer: undefined };
  const text = target.kconfig?.().get(extern.name);
  return text === undefined ? { state: 'absent', answer: '0' } : { state: 'found', answer: text };
}

function externKind({ section, function: callable, typeId }: ExternSpec): string {
  if (section === '.kconfig') return 'kconfig';
  if (callable) return 'kfunc';
  return typeId === 0 ? 'symbol' : 'variable';
}
