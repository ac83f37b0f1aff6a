import { Btf, BtfKind } from '../btf';
import { BpfError, nearest } from '../errors';
import { btfBytes, programInfo, withObject } from '../kernel';
import { type AttachTypeName, attachTypes, ProgramType } from '../object';
import { type RelocatedProgram } from '../relocate';
import { type ProgramTarget } from './loaded';

/** Words of BPF_PROG_LOAD that say what a program is for. */
export interface AttachWords {
  /** `attach_btf_id`. */
  readonly typeId: number | undefined;
  /** `attach_prog_fd`, or `attach_btf_obj_fd` of a module. */
  readonly fd: number | undefined;
}

/** Types of programs that the kernel loads for one function or hook, whose BTF id it must be told. */
const bound: ReadonlySet<number> = new Set([ProgramType.tracing, ProgramType.lsm, ProgramType.ext]);

/** Attach types that are about many functions, which are named when the program is attached. */
const ofMany: ReadonlySet<AttachTypeName | undefined> = new Set<AttachTypeName>([
  'trace_fentry_multi',
  'trace_fexit_multi',
  'trace_fsession_multi',
]);

/**
 * What a program is loaded for: a function of another program that the caller names, else what relocation found in
 * the kernel.
 *
 * @param given the caller's choice
 * @param moduleBtfFd fd of a module's BTF
 * @throws BpfError ATTACH_TARGET_NOT_FOUND when there is none and the kernel wants one, or the other program has no
 *   such function; BTF_MISSING when it has no types
 */
export function attachWords(
  spec: RelocatedProgram,
  kind: { readonly type: number; readonly attachType: number },
  given: ProgramTarget | undefined,
  moduleBtfFd: (module: string) => number,
): AttachWords {
  if (given !== undefined) return { typeId: functionOf(spec, given), fd: given.program };
  const { attach } = spec;
  if (attach !== undefined) {
    return {
      typeId: attach.typeId,
      fd: attach.module === undefined ? undefined : moduleBtfFd(attach.module),
    };
  }
  if (bound.has(kind.type) && !ofMany.has(attachTypes.name(kind.attachType))) throw missing(spec, kind.type);
  return { typeId: undefined, fd: undefined };
}

function missing({ name, section }: RelocatedProgram, type: number): BpfError {
  const replaces = type === ProgramType.ext;
  return new BpfError('ATTACH_TARGET_NOT_FOUND', `program '${name}' (${section})`, {
    program: name,
    section,
    found: replaces ? 'no program that it is to replace a function of' : 'no function or hook that it is for',
    hint: replaces
      ? `hand in the fd of that program: attachTargets: { ${name}: { program: fd } }`
      : `name it: SEC("${section.split('/')[0]}/...")`,
  });
}

/** The function that a program is for, of the program that the caller names. */
function functionOf(spec: RelocatedProgram, { program, function: asked }: ProgramTarget): number {
  const { name, section } = spec;
  const wanted = asked ?? spec.target;
  const subject = `program '${name}' (${section})`;
  if (wanted === undefined)
    throw new BpfError('ATTACH_TARGET_NOT_FOUND', subject, {
      program: name,
      section,
      found: 'no name of a function of the program that it is for',
      hint: `name it: SEC("${section}/...")`,
    });
  return programFunction({ name, subject, section }, program, wanted);
}

/** Who asks for a function of another program, for messages. */
export interface Asker {
  readonly name: string;
  readonly subject: string;
  readonly section?: string | undefined;
}

/**
 * BTF id of a function in the types that a program was loaded with.
 *
 * @param program its fd
 * @throws BpfError ATTACH_TARGET_NOT_FOUND with the nearest names, BTF_MISSING when the program has no types
 */
export function programFunction({ name, subject, section }: Asker, program: number, wanted: string): number {
  const { btfId, name: other } = programInfo(program);
  const bytes = btfId === 0 ? undefined : withObject('btf', btfId, btfBytes);
  if (bytes === undefined)
    throw new BpfError(
      'BTF_MISSING',
      `${subject}: program '${other}', whose '${wanted}' it is for, has no types`,
      {
        program: name,
        section,
        symbol: wanted,
        hint: 'compile that program with -g',
      },
    );
  const btf = Btf.parse(bytes, { trusted: true });
  const typeId = btf.find(wanted, BtfKind.FUNC);
  if (typeId !== 0) return typeId;
  const near = nearest(wanted, functionNames(btf));
  throw new BpfError('ATTACH_TARGET_NOT_FOUND', subject, {
    program: name,
    section,
    symbol: wanted,
    found: `no function '${wanted}' in program '${other}'`,
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : undefined,
  });
}

function* functionNames(btf: Btf): Generator<string> {
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) === BtfKind.FUNC) yield btf.name(id);
  }
}
