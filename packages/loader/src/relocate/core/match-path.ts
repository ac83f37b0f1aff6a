import { type Btf, BtfKind, essentialName } from '../../btf';
import { type AccessPath, type AccessStep, isFlexibleArray } from './access-path';
import { fieldsCompatible, isComposite, isEnum } from './compatible';
import { findMember } from './find-member';

/** A type of the kernel that an object's type may mean. */
export interface Candidate {
  readonly btf: Btf;
  readonly id: number;
  /** The module it is from, undefined for vmlinux. */
  readonly module: string | undefined;
}

/**
 * Finds in a candidate the field that an object's access path names: named members by name wherever they are, inside
 * anonymous structs too, and array elements by index. As `bpf_core_spec_match` of the kernel's relo_core.c does it.
 *
 * @returns the same path through the candidate, undefined if it has no such field or one of another kind
 */
export function matchField(local: AccessPath, candidate: Candidate): AccessPath | undefined {
  const { btf } = candidate;
  const steps: AccessStep[] = [];
  let bitOffset = 0;
  let id = btf.resolve(candidate.id);
  for (const step of local.steps) {
    if (step.name === undefined) {
      if (steps.length > 0) {
        const element = elementOf(btf, id, step.index, steps.at(-1)!);
        if (element === undefined) return undefined;
        id = element;
      }
      bitOffset += step.index * btf.byteSize(id) * 8;
      steps.push({ typeId: id, index: step.index, name: undefined });
    } else {
      if (!isComposite(btf.kind(id))) return undefined;
      const member = findMember(btf, id, step.name);
      if (member === undefined) return undefined;
      const localType = local.btf.memberType(step.typeId, step.index);
      const type = btf.memberType(member.typeId, member.index);
      if (!fieldsCompatible(local.btf, localType, btf, type)) return undefined;
      bitOffset += member.bitOffset;
      steps.push({ typeId: member.typeId, index: member.index, name: step.name });
      id = btf.resolve(type);
    }
  }
  return { btf, rootId: candidate.id, steps, bitOffset };
}

function elementOf(btf: Btf, arrayId: number, index: number, holder: AccessStep): number | undefined {
  if (btf.kind(arrayId) !== BtfKind.ARRAY) return undefined;
  if (index >= btf.arrayLength(arrayId) && !isFlexibleArray(btf, arrayId, holder)) return undefined;
  return btf.resolve(btf.arrayElement(arrayId));
}

/**
 * Finds in a candidate the enum value that an object's path names; flavours count for nothing in value names too.
 *
 * @returns the path to the value, undefined if the candidate has none of this name
 */
export function matchEnumValue(local: AccessPath, candidate: Candidate): AccessPath | undefined {
  const { btf } = candidate;
  const typeId = btf.resolve(candidate.id);
  if (!isEnum(btf.kind(typeId))) return undefined;
  const wanted = essentialName(local.steps[0]!.name!);
  for (let index = 0; index < btf.vlen(typeId); index++) {
    const name = btf.enumName(typeId, index);
    if (essentialName(name) === wanted) {
      return { btf, rootId: candidate.id, steps: [{ typeId, index, name }], bitOffset: 0 };
    }
  }
  return undefined;
}
