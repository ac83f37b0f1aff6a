import { type Btf, BtfKind } from '../btf';
import { BpfError, nearest } from '../errors';
import { type BtfTarget, type ProgramSpec } from '../object';
import { namesOf } from './externs';
import { type AttachTarget } from './relocated';
import { type KernelTypes, moduleTypes, type TargetKernel } from './target';

/** BPF_PROG_TYPE_EXT: its target is a function of another BPF program, which is named at load time. */
const PROG_TYPE_EXT = 28;

/**
 * Finds what a program is attached to in the kernel's types: the typedef `btf_trace_X` of a tracepoint, the function
 * `bpf_lsm_X` of an LSM hook or `bpf_iter_X` of an iterator, or the traced function itself. `X` may name a module:
 * `nf_conntrack:nf_ct_delete`.
 *
 * @returns undefined for programs without such a target, and where the section names none: the caller may still
 * @throws BpfError ATTACH_TARGET_NOT_FOUND with the names most like it
 */
export function findAttachTarget(
  object: string,
  program: ProgramSpec,
  target: TargetKernel,
): AttachTarget | undefined {
  const { btfTarget, target: written } = program;
  if (btfTarget === undefined || written === undefined || program.type === PROG_TYPE_EXT) return undefined;
  const { module, name } = splitModule(written);
  for (const types of searched(target, module)) {
    const typeId = types.btf.find(btfTarget.prefix + name, kindOf(btfTarget));
    if (typeId >= types.btf.firstId) return { typeId, module: types.module };
  }
  throw notFound(object, program, btfTarget, name, module, target);
}

function splitModule(written: string): { module: string | undefined; name: string } {
  const colon = written.indexOf(':');
  return colon < 0
    ? { module: undefined, name: written }
    : { module: written.slice(0, colon), name: written.slice(colon + 1) };
}

function* searched(target: TargetKernel, module: string | undefined): Generator<KernelTypes> {
  if (module === undefined || module === 'vmlinux') yield { btf: target.btf(), module: undefined };
  if (module === undefined) yield* moduleTypes(target);
  else if (module !== 'vmlinux') {
    const btf = target.moduleBtf?.(module);
    if (btf !== undefined) yield { btf, module };
  }
}

function kindOf(target: BtfTarget): BtfKind {
  return target.kind === 'func' ? BtfKind.FUNC : BtfKind.TYPEDEF;
}

function notFound(
  object: string,
  program: ProgramSpec,
  btfTarget: BtfTarget,
  name: string,
  module: string | undefined,
  target: TargetKernel,
): BpfError {
  const where = module ?? 'this kernel';
  const btf = module === undefined || module === 'vmlinux' ? target.btf() : target.moduleBtf?.(module);
  const near = btf === undefined ? [] : nearest(name, targetNames(btf, btfTarget));
  const missing = btf === undefined ? `module '${module}' is not loaded or has no BTF` : undefined;
  return new BpfError(
    'ATTACH_TARGET_NOT_FOUND',
    `${object}: program '${program.name}' (${program.section})`,
    {
      object,
      program: program.name,
      section: program.section,
      symbol: name,
      found: missing ?? `no ${what[btfTarget.prefix] ?? 'function'} '${name}' in ${where}`,
      hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : hints[btfTarget.prefix],
    },
  );
}

/** What a prefix of BTF names stands for. */
const what: Readonly<Record<string, string>> = {
  btf_trace_: 'tracepoint',
  bpf_lsm_: 'LSM hook',
  bpf_iter_: 'iterator',
};

const hints: Readonly<Record<string, string>> = {
  '': 'it may be inlined, static with several definitions, renamed by the compiler, or of a module that is not loaded',
  btf_trace_: 'available ones are listed in /sys/kernel/tracing/available_events, after the colon',
  bpf_lsm_: 'available ones are the LSM_HOOK lines of include/linux/lsm_hook_defs.h',
  bpf_iter_: 'available ones are the functions bpf_iter_* of the kernel',
};

function* targetNames(btf: Btf, { prefix, kind }: BtfTarget): Generator<string> {
  for (const name of namesOf(btf, kind === 'func' ? BtfKind.FUNC : BtfKind.TYPEDEF)) {
    if (name.startsWith(prefix)) yield name.slice(prefix.length);
  }
}
