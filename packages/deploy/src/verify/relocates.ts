import {
  attachTypeName,
  hooks,
  knownToKernel,
  reachOf,
  requirementsOf,
  type Btf,
  type ObjectSpec,
  type RelocatedObject,
  type Requirement,
  type TargetKernel,
} from '@nx-bpf/loader';
import { namedBy, type AttachEntry, type VariantConfig } from '../manifest';
import { type VariantVerdict } from './deciding';
import { type Answered, type Finding } from './verdict';

/** A program of the manifest. */
export interface WantedProgram {
  readonly name: string;
  readonly variant: VariantConfig | undefined;
  /** Id of the struct of the manifest that it is in, where only that names it. */
  readonly struct?: string | undefined;
  readonly object: string;
  readonly function: string;
  readonly attach: readonly AttachEntry[];
}

/**
 * Whether a program can be relocated for a kernel, with the constants of its environment in place: what it asks for and
 * the kernel lacks is an error where code that is left after dead code elimination comes to it.
 *
 * @param withConstants puts the environment's values into the relocated object
 */
export function relocates(
  spec: ObjectSpec,
  wanted: WantedProgram,
  target: TargetKernel,
  withConstants: (object: RelocatedObject) => RelocatedObject,
): VariantVerdict['verdict'] {
  const { requirements, relocated } = requirementsOf(spec, wanted.function, target, {
    attachedToProgram: wanted.attach.some((entry) => namedBy(entry, 'program').length > 0),
  });
  const reach = relocated && reachOf(withConstants(relocated.object), relocated.program);
  const findings: Finding[] = [];
  const attaching: Finding[] = [...hooksMissing(wanted, target.btf())];
  for (const requirement of requirements) {
    const { kind, state, insn, error } = requirement;
    if (state === 'open') findings.push(finding('open', requirement, opens(requirement)));
    if (state !== 'missing') continue;
    if (kind === 'attach type') {
      // What the manifest says is missing for the same reason.
      if (attaching.length === 0) attaching.push(finding('missing', requirement, cannotAttach(requirement)));
    } else if (error !== undefined) findings.push(finding('missing', requirement, error.message));
    else {
      const reached = insn === undefined || reach === undefined ? 'maybe' : reach(insn);
      findings.push(finding(states[reached], requirement, lacks(requirement, reached)));
    }
  }
  // Calls of a weak kfunc: what asks for it comes first, and is another instruction.
  for (const { insn, kind, target: name, reason, file, line } of relocated?.program.poisoned ?? []) {
    if (kind !== 'kfunc' || requirements.some((each) => each.name === name && each.error !== undefined))
      continue;
    const reached = reach!(insn);
    const call = { kind, name, answer: reason, insn, file, line };
    findings.push(finding(states[reached], call, lacks(call, reached)));
  }
  const worst = (state: Finding['state']): boolean => findings.some((each) => each.state === state);
  return {
    program: wanted.name,
    object: wanted.object,
    function: wanted.function,
    relocates: worst('missing') ? 'no' : worst('unsure') ? 'unsure' : 'yes',
    attaches:
      attaching.length > 0 && !wanted.attach.every(({ optional }) => optional)
        ? 'no'
        : wanted.attach.length === 0
          ? null
          : 'yes',
    findings: [...findings, ...attaching],
    requirements: requirements.map(answered),
  };
}

const states = { yes: 'missing', maybe: 'unsure', no: 'guarded' } as const;

type Place = Pick<Requirement, 'kind' | 'name' | 'answer' | 'insn' | 'file' | 'line'> &
  Partial<Pick<Requirement, 'error'>>;

function finding(
  state: Finding['state'],
  { kind, name, insn, file, line, error }: Place,
  message: string,
): Finding {
  return {
    state,
    code: error?.code ?? null,
    kind,
    name,
    message,
    insn: insn ?? null,
    file: file === undefined ? null : inWorkspace(file),
    line: line ?? null,
  };
}

function answered({ kind, name, state, answer, insn, file, line }: Requirement): Answered {
  return {
    kind,
    name,
    state,
    answer: answer ?? null,
    insn: insn ?? null,
    file: file === undefined ? null : inWorkspace(file),
    line: line ?? null,
  };
}

/** Objects are compiled with the workspace as `.`. */
function inWorkspace(file: string): string {
  return file.replace(/^\.\//, '');
}

function lacks(requirement: Place, reached: 'yes' | 'maybe' | 'no'): string {
  const { name, answer } = requirement;
  const text = `${name}: ${answer ?? 'this kernel does not have it'}`;
  if (reached === 'no') return `${text}; no code that is left comes to it`;
  const told = reached === 'maybe' ? '; whether the program comes to it could not be told' : '';
  return `${text}${told}; ${guard(requirement)}`;
}

/** What people write around what may be missing. */
function guard({ kind, name, answer }: Place): string {
  switch (kind) {
    case 'kfunc':
      return `ask bpf_ksym_exists(${name}) first`;
    case 'helper':
      return `ask bpf_core_enum_value_exists(enum bpf_func_id, ${name.replace(/^bpf_/, 'BPF_FUNC_')}) first`;
    case 'enumval_value':
      return 'ask bpf_core_enum_value_exists() first';
    default:
      return answer?.includes('bytes') === true
        ? 'read it with BPF_CORE_READ or bpf_core_read()'
        : 'ask bpf_core_field_exists() first';
  }
}

function cannotAttach({ name }: Pick<Requirement, 'name'>): string {
  return `this kernel has no attach type ${name}: the program may load there and cannot be attached`;
}

function opens({ kind, name }: Requirement): string {
  return kind === 'symbol'
    ? `${name}: only a running kernel has addresses`
    : `${kind} ${name}: the types of this kernel do not say`;
}

/** Attachments of the manifest that need an attach type which the kernel does not have. */
function* hooksMissing({ attach, name }: WantedProgram, btf: Btf): Generator<Finding> {
  const known = knownToKernel(btf).attachTypes;
  if (known === undefined) return;
  for (const { hook, id: entry } of attach) {
    const { attachTypes, since } = hooks[hook];
    if (attachTypes.length === 0 || attachTypes.some((type) => known.has(type))) continue;
    const types = attachTypes.map(attachTypeName).join(', ');
    yield finding(
      'missing',
      { kind: 'hook', name: hook, answer: undefined, insn: undefined, file: undefined, line: undefined },
      `attachment '${entry}' of ${name}: this kernel has no ${hook} (attach type ${types}; Linux ${since}): the program may load there and cannot be attached`,
    );
  }
}
