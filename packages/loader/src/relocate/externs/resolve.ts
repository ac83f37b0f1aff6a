import { BpfError } from '../../errors';
import { type ExternSpec, type ObjectSpec } from '../../object';
import { sourceLine } from '../source-line';
import { type TargetKernel } from '../target';
import { resolveKconfig } from './kconfig';
import { resolveKsym } from './ksym';

/** What stands for an extern in this kernel. */
export type ResolvedExtern =
  /** A value in the `.kconfig` map. */
  | { readonly kind: 'kconfig'; readonly offset: number }
  /** An address from kallsyms. */
  | { readonly kind: 'ksym'; readonly symbol: string; readonly weak: boolean }
  /** A variable or function with BTF. */
  | { readonly kind: 'btf'; readonly typeId: number; readonly module: string | undefined }
  /** A weak one that this kernel does not have. */
  | { readonly kind: 'missing' };

/** The externs of an object, by index, as far as functions that are wanted use them. */
export interface ResolvedExterns {
  readonly externs: ReadonlyMap<number, ResolvedExtern>;
  /** Contents of the `.kconfig` map; undefined without one. */
  readonly kconfig: Uint8Array | undefined;
}

/**
 * Resolves what an object leaves undefined. Externs that only unwanted functions use may fail without harm.
 *
 * @param functions indices of the functions that are wanted
 * @throws BpfError EXTERN_UNRESOLVED with all that are needed and missing, each with the line of C that uses it
 */
export function resolveExterns(
  spec: ObjectSpec,
  functions: Iterable<number>,
  target: TargetKernel,
): ResolvedExterns {
  const uses = firstUses(spec, functions);
  const map = spec.maps.find(({ origin }) => origin === 'kconfig');
  const kconfig = map === undefined ? undefined : new Uint8Array(map.valueSize);
  const externs = new Map<number, ResolvedExtern>();
  const problems: { extern: ExternSpec; problem: string; hint: string | undefined; use: Use }[] = [];
  spec.externs.forEach((extern, index) => {
    const use = uses.get(index);
    // The values of a whole section are the same for every choice of programs.
    if (use === undefined && extern.section !== '.kconfig') return;
    const result = resolveExtern(spec, extern, target, kconfig);
    if (!('problem' in result)) externs.set(index, result);
    else if (use !== undefined) problems.push({ extern, use, problem: result.problem, hint: result.hint });
  });
  const [first] = problems;
  if (first === undefined) return { externs, kconfig };
  const texts = problems.map(({ extern, problem, hint, use }) => {
    const place = use.file === undefined ? `function '${use.function}'` : `${use.file}:${use.line}`;
    return `extern '${extern.name}', used at ${place}: ${problem}${hint === undefined ? '' : `; ${hint}`}`;
  });
  const { function: program, insn, file, line } = first.use;
  throw new BpfError('EXTERN_UNRESOLVED', `${spec.name}: ${texts.join('\n')}`, {
    object: spec.name,
    symbol: first.extern.name,
    program,
    insn,
    file,
    line,
    problems: texts,
  });
}

export type ExternResult = ResolvedExtern | { readonly problem: string; readonly hint?: string | undefined };

/** One of them, or what is wrong. Of a configuration value the bytes go into `kconfig`. */
export function resolveExtern(
  spec: ObjectSpec,
  extern: ExternSpec,
  target: TargetKernel,
  kconfig: Uint8Array | undefined,
): ExternResult {
  const { name, section, typeId, weak, offset } = extern;
  if (section === undefined) return notDeclared(extern);
  if (section === '.ksyms' && typeId === 0) return { kind: 'ksym', symbol: name, weak };
  if (spec.btf === undefined) return { problem: 'the object has no BTF', hint: 'compile with -g' };
  if (section === '.ksyms') {
    const found = resolveKsym(spec.btf, extern, target);
    return found.kind === 'found' ? { ...found, kind: 'btf' } : found;
  }
  const value = resolveKconfig(spec.btf, extern, target, spec.littleEndian);
  if ('problem' in value) return value;
  if (kconfig === undefined || offset + value.bytes.length > kconfig.length) {
    return { problem: 'section .kconfig has no room for it' };
  }
  kconfig.set(value.bytes, offset);
  return { kind: 'kconfig', offset };
}

function notDeclared(extern: ExternSpec): ExternResult {
  return extern.function
    ? {
        problem: 'no function of this name is in the object',
        hint: 'define it, or declare a kfunc with __ksym',
      }
    : {
        problem: 'no variable of this name is in the object',
        hint: 'define it, or declare it __kconfig or __ksym',
      };
}

export interface Use {
  readonly function: string;
  readonly insn: number;
  readonly file: string | undefined;
  readonly line: number | undefined;
}

/** The first instruction that refers to each extern, among the functions that are wanted. */
export function firstUses(spec: ObjectSpec, functions: Iterable<number>): Map<number, Use> {
  const uses = new Map<number, Use>();
  for (const index of functions) {
    const fn = spec.functions[index]!;
    for (const reference of fn.references) {
      if (reference.kind !== 'extern' || uses.has(reference.extern)) continue;
      const { file, line } = sourceLine(spec.btf, fn, reference.insn) ?? { file: undefined, line: undefined };
      uses.set(reference.extern, { function: fn.name, insn: reference.insn, file, line });
    }
  }
  return uses;
}
