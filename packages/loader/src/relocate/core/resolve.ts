import { type Btf } from '../../btf';
import { BpfError } from '../../errors';
import { type TargetKernel } from '../target';
import { type AccessPath, describeAccess, parseAccess } from './access-path';
import { CandidateFinder } from './candidates';
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
  readonly subject: string;
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
  private readonly finder: CandidateFinder;
  private readonly candidates = new Map<number, readonly Candidate[]>();
  private readonly resolved = new Map<string, CoreResolution>();

  constructor(
    private readonly btf: Btf,
    target: TargetKernel,
  ) {
    this.finder = new CandidateFinder(target);
  }

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
    const about = { kind: name, subject: describeAccess(path, subject), access };
    const local = answer(kind, path);
    if (kind === CoreKind.TYPE_ID_LOCAL) return { ...about, local, target: local, widthFixed: false };
    if (btf.name(typeId) === '') {
      throw new BpfError('CORE_INVALID', `${name} of ${about.subject}: the type has no name to find it by`, {
        symbol: about.subject,
        hint: 'name the type or do not relocate it',
      });
    }
    const target = this.targetAnswer(kind, subject, path, about.subject);
    return { ...about, local, target, widthFixed: !this.widthFits(local, target) };
  }

  /** Asks every candidate; those that have what is asked for stay, and must agree. */
  private targetAnswer(
    kind: number,
    subject: CoreSubject,
    path: AccessPath,
    name: string,
  ): FoundAnswer | undefined {
    const all = this.candidates.get(path.rootId) ?? this.finder.find(this.btf, path.rootId);
    const kept: Candidate[] = [];
    let first: { path: AccessPath; answer: FoundAnswer } | undefined;
    for (const candidate of all) {
      const match = matchCandidate(kind, subject, path, candidate);
      if (match === undefined) continue;
      kept.push(candidate);
      const found: FoundAnswer = { ...answer(kind, match), btf: candidate.btf };
      if (first === undefined) first = { path: match, answer: found };
      else if (first.path.bitOffset !== match.bitOffset || first.answer.value !== found.value) {
        throw ambiguous(name, kept[0]!, first, candidate, { path: match, answer: found });
      }
    }
    this.candidates.set(path.rootId, kept.length > 0 ? kept : all);
    if (first !== undefined) return first.answer;
    const missing = answerMissing(kind);
    return missing === undefined ? undefined : { ...missing, btf: this.btf };
  }

  private widthFits(local: Answer, target: FoundAnswer | undefined): boolean {
    const from = local.scalar;
    const to = target?.scalar;
    if (from === undefined || to === undefined || from.size === to.size) return true;
    return widthMayChange(this.btf, from.typeId, target!.btf, to.typeId);
  }
}

/** An answer and the types that it is from. */
interface FoundAnswer extends Answer {
  readonly btf: Btf;
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
