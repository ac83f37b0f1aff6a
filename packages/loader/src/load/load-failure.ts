import { BpfError, type ErrorFields } from '../errors';
import { Errno, errnoName, errnoText, failure } from '../kernel';
import { programTypeName } from '../object';
import { type PoisonedRelocation, type RelocatedProgram } from '../relocate';
import { programCapabilities, usesTrampoline } from './program-privileges';
import { sourceOf } from './source-of';
import { verifierHint } from './verifier-hints';
import { readVerdict, type VerifierVerdict } from './verifier-log';

/** A load that failed. */
export interface FailedLoad {
  readonly object: string;
  readonly program: RelocatedProgram;
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** Error number, positive. */
  readonly errno: number;
  /** A line an element, empty if the kernel gave no reason. */
  readonly log: readonly string[];
  /** The object's BTF. */
  readonly btf: Uint8Array | undefined;
}

/**
 * The error for a program that the kernel did not take: VERIFIER_REJECTED with the reason, the instruction and the
 * line of C, if the log has a reason; else PRIVILEGE_MISSING or PROGRAM_LOAD_FAILED with what the errno means.
 */
export function loadFailure(failed: FailedLoad): BpfError {
  const verdict = readVerdict(failed.log);
  return verdict === undefined ? refused(failed) : rejected(failed, verdict);
}

function subject({ object, program, type }: FailedLoad): string {
  return `${object}: program '${program.name}' (section '${program.section}', ${programTypeName(type)})`;
}

function fieldsOf({ object, program, errno, log }: FailedLoad): ErrorFields {
  return {
    object,
    program: program.name,
    section: program.section,
    errno: errnoName(errno),
    log: log.length > 0 ? log : undefined,
  };
}

function rejected(failed: FailedLoad, verdict: VerifierVerdict): BpfError {
  const { program } = failed;
  const { insn } = verdict;
  const source = insn === undefined ? undefined : sourceOf(insn, program.lineInfo, failed.btf);
  const poisoned = program.poisoned.find((entry) => entry.insn === insn);
  const where = [
    source === undefined ? undefined : ` at ${source.file}:${source.line}`,
    insn === undefined ? undefined : ` (instruction ${insn})`,
  ];
  const what = `${subject(failed)}: the verifier rejected it${where.join('')}`;
  const fields: ErrorFields = {
    ...fieldsOf(failed),
    insn,
    file: source?.file,
    line: source?.line,
    column: source?.column,
  };
  if (poisoned !== undefined) return unresolved(what, poisoned, fields);
  const details = [
    verdict.registers.length > 0 ? `, with ${verdict.registers.join(', ')}` : '',
    source === undefined || source.text === '' ? '' : `, in \`${source.text}\``,
  ];
  return new BpfError('VERIFIER_REJECTED', `${what}: ${verdict.reason}${details.join('')}`, {
    ...fields,
    hint: verdict.suggestion ?? verifierHint(verdict.reason),
  });
}

/** The instruction was made invalid when the object was relocated, since the kernel lacks what it refers to. */
function unresolved(what: string, poisoned: PoisonedRelocation, fields: ErrorFields): BpfError {
  const kfunc = poisoned.kind === 'kfunc';
  const subject = kfunc
    ? `it calls kfunc '${poisoned.target}'`
    : `it needs ${poisoned.target} (CO-RE ${poisoned.kind}, accessor ${poisoned.access})`;
  return new BpfError('VERIFIER_REJECTED', `${what}: ${subject}: ${poisoned.reason}`, {
    ...fields,
    symbol: poisoned.target,
    file: fields.file ?? poisoned.file,
    line: fields.line ?? poisoned.line,
    hint: kfunc
      ? 'call it only where bpf_ksym_exists() says that it is there'
      : 'use it only where bpf_core_field_exists(), bpf_core_type_exists() or bpf_core_enum_value_exists() says that it is there',
  });
}

function refused(failed: FailedLoad): BpfError {
  const { errno, type } = failed;
  return failure(`${subject(failed)}: BPF_PROG_LOAD`, errno, {
    ...fieldsOf(failed),
    code: 'PROGRAM_LOAD_FAILED',
    needs: programCapabilities(type),
    hint: likelyCause(errno, type),
  });
}

/** What an error number without a verifier log most likely means. */
function likelyCause(errno: number, type: number): string {
  switch (errno) {
    case Errno.EPERM:
      return usesTrampoline(type)
        ? 'the process has the capabilities, so the kernel itself refuses: programs of this kind need a BPF trampoline, which takes CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS and no lockdown; tp_btf, raw_tp and tracepoint programs need none'
        : 'the process has the capabilities, so a policy of the kernel refuses: kernel lockdown (confidentiality), an LSM, or seccomp';
    case Errno.EINVAL:
      return 'the running kernel does not know this type of program, its attach type, or one of its flags';
    case Errno.E2BIG:
      return 'more instructions than the kernel takes (1,000,000), or an attribute that it does not know yet';
    case Errno.ENOMEM:
      return 'not enough memory, for this machine or for the cgroup that it is charged to';
    case Errno.EFAULT:
      return 'usually a bug in the verifier of this kernel: try another version';
    default:
      return `the kernel gave no further reason than ${errnoText(errno)}`;
  }
}
