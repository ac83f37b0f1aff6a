import { type Btf } from '../../btf';
import { BpfError } from '../../errors';
import { type TargetKernel } from '../target';
import { type AccessPath, describeAccess, parseAccess } from './access-path';
import { findCandidates } from './candidates';
import { typesCompatible } from './compatible';
import { CoreKind, coreKind, type CoreSubject } from './kinds';
import { type Candidate, matchEnumValue, matchField } from './match-path';
import { typesMatch } from './match-type';
import { type Answer, answer, answerMissing, widthMayChange } from './values';

/** One question to the kernel's types, as the object's `.BTF.ext` records it. */
export interface CoreQuestion {
  /** Root of the access in the object's BTF. */
  readonly typeId: number;
  /** String offset of the access string in the object's BTF. */
  readonly access: number;
  /** `enum bpf_core_relo_kind`. */
  readonly kind: number;
}

/** What becomes of the instructions that ask the same question. */
export interface CoreResolution {
  /** `byte_off`, `enumval_value`... */
  readonly kind: string;
  /** `struct task_struct.comm`. */
  describe(): string;
  /** `0:12`. */
  readonly access: string;
  /** What the compiler put in. */
  readonly local: Answer;
  /** What has to be there; undefined: nothing in this kernel, so the instruction must not be reached. */
  readonly target: Answer | undefined;
  /** A load or store may not simply be given the target's width. */
  readonly widthFixed: boolean;
}

/**
 * Answers an object's CO-RE questions for one kernel. The candidates of a type are pruned to those that had what was
 * asked for, so that all accesses to a type are to the same one of several kernel types of its name.
 */
export class CoreResolver {
  private readonly candidates = new Map<number, readonly Candidate[]>();
  private readonly resolved = new Map<string, CoreResolution>();

  constructor(
    private readonly btf: Btf,
    private readonly target: TargetKernel,
  ) {}

  /**
   * @throws BpfError CORE_INVALID for a question that makes no sense, CORE_AMBIGUOUS when kernel types of one name
   * give different answers, KERNEL_BTF_MISSING from the target
   */
  resolve(question: CoreQuestion): CoreResolution {
    const key = `${question.typeId}:${question.access}:${question.kind}`;
    let resolution = this.resolved.get(key);
    if (resolution === undefined) {
      resolution = this.answer(question);
      this.resolved.set(key, resolution);
    }
    return resolution;
  }

  private answer({ typeId, access: accessOffset, kind }: CoreQuestion): CoreResolution {
    const { btf } = this;
    const description = coreKind(kind);
    if (description === undefined) {
      throw new BpfError('CORE_INVALID', 'relocation kind', {
        found: `${kind}`,
        expected: `0 to ${CoreKind.TYPE_MATCHES}`,
        hint: 'the object was written for a newer loader',
      });
    }
    const { name, subject } = description;
    const access = btf.string(accessOffset);
    const path = parseAccess(btf, typeId, access, subject);
    const describe = (): string => describeAccess(path, subject);
    const local = answer(kind, path);
    if (kind === CoreKind.TYPE_ID_LOCAL) {
      return { kind: name, describe, access, local, target: local, widthFixed: false };
    }
    if (btf.name(typeId) === '') {
      throw new BpfError('CORE_INVALID', `${name} of ${describe()}: the type has no name to find it by`, {
        symbol: describe(),
        hint: 'name the type or do not relocate it',
      });
    }
    const target = this.targetAnswer(kind, subject, path);
    return { kind: name, describe, access, local, target, widthFixed: !widthFits(local, target) };
  }

  /** Asks every candidate; those that have what is asked for stay, and must agree. */
  private targetAnswer(kind: number, subject: CoreSubject, path: AccessPath): Answer | undefined {
    const all = this.candidates.get(path.rootId) ?? findCandidates(this.target, this.btf, path.rootId);
    const kept: Candidate[] = [];
    let first: Found | undefined;
    for (const candidate of all) {
      const match = matchCandidate(kind, subject, path, candidate);
      if (match === undefined) continue;
      kept.push(candidate);
      const found: Found = { path: match, answer: answer(kind, match) };
      first ??= found;
      if (first.path.bitOffset !== match.bitOffset || first.answer.value !== found.answer.value) {
        throw ambiguous(describeAccess(path, subject), kept[0]!, first, candidate, found);
      }
    }
    this.candidates.set(path.rootId, kept.length > 0 ? kept : all);
    return first === undefined ? answerMissing(kind) : first.answer;
  }
}

function widthFits(local: Answer, target: Answer | undefined): boolean {
  const from = local.scalar;
  const to = target?.scalar;
  return from === undefined || to === undefined || from.size === to.size || widthMayChange(from, to);
}

/** The way through a candidate that the local path names, undefined if the candidate does not have it. */
function matchCandidate(
  kind: number,
  subject: CoreSubject,
  path: AccessPath,
  candidate: Candidate,
): AccessPath | undefined {
  if (subject === 'field') return matchField(path, candidate);
  if (subject === 'enum value') return matchEnumValue(path, candidate);
  const { btf, id } = candidate;
  const same = kind === CoreKind.TYPE_MATCHES ? typesMatch : typesCompatible;
  return same(path.btf, path.rootId, btf, id) ? { btf, rootId: id, steps: [], bitOffset: 0 } : undefined;
}

interface Found {
  readonly path: AccessPath;
  readonly answer: Answer;
}

function ambiguous(name: string, one: Candidate, a: Found, other: Candidate, b: Found): BpfError {
  return new BpfError('CORE_AMBIGUOUS', `${name} means several types of this kernel that disagree`, {
    symbol: name,
    found: `${describeFound(one, a)} and ${describeFound(other, b)}`,
    expected: 'the same answer from all of them',
    hint: 'tell them apart by a field that only the right one has (bpf_core_field_exists), asked first',
  });
}

function describeFound({ btf, id, module }: Candidate, { path, answer: { value } }: Found): string {
  const offset = path.steps.length > 0 ? ` at bit ${path.bitOffset}` : '';
  return `${value}${offset} in ${module ?? 'vmlinux'} [${id}] ${btf.describe(id)}`;
}
