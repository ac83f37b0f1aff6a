import { type Btf, BtfKind, essentialName } from '../../btf';
import { isComposite, isEnum, isSignedInt, MAX_DEPTH, tooDeep } from './compatible';

/**
 * Whether a kernel's type has everything that the object's type of the same name declares (`bpf_core_type_matches`):
 * every local member with the same name and a matching type, every value of an enum by name, integers of the same
 * width and sign. Behind a pointer, structs and unions match by name alone, also against a forward declaration.
 * As `bpf_core_types_match` of the kernel's relo_core.c decides it.
 *
 * @throws BpfError CORE_INVALID when the types are nested deeper than the kernel would look
 */
export function typesMatch(
  local: Btf,
  localId: number,
  target: Btf,
  targetId: number,
  behindPointer = false,
  depth = MAX_DEPTH,
): boolean {
  for (; depth > 0; depth--) {
    localId = local.resolve(localId);
    targetId = target.resolve(targetId);
    if (!sameName(local.name(localId), target.name(targetId))) return false;
    const kind = local.kind(localId);
    const targetKind = target.kind(targetId);
    if (kind === BtfKind.FWD) return forwardMatches(local.kindFlag(localId), target, targetId, behindPointer);
    if (isEnum(kind)) return isEnum(targetKind) && enumsMatch(local, localId, target, targetId);
    if (isComposite(kind) && behindPointer) {
      return (
        kind === targetKind ||
        (targetKind === BtfKind.FWD && target.kindFlag(targetId) === (kind === BtfKind.UNION))
      );
    }
    if (kind !== targetKind) return false;
    switch (kind) {
      case BtfKind.VOID:
        return true;
      case BtfKind.STRUCT:
      case BtfKind.UNION:
        return membersMatch(local, localId, target, targetId, depth - 1);
      case BtfKind.INT:
        return (
          local.intBits(localId) === target.intBits(targetId) &&
          isSignedInt(local, localId) === isSignedInt(target, targetId)
        );
      case BtfKind.PTR:
        behindPointer = true;
        localId = local.type(localId);
        targetId = target.type(targetId);
        break;
      case BtfKind.ARRAY:
        if (local.arrayLength(localId) !== target.arrayLength(targetId)) return false;
        localId = local.arrayElement(localId);
        targetId = target.arrayElement(targetId);
        break;
      case BtfKind.FUNC_PROTO: {
        const parameters = local.vlen(localId);
        if (parameters !== target.vlen(targetId)) return false;
        for (let i = 0; i < parameters; i++) {
          const parameter = local.paramType(localId, i);
          const other = target.paramType(targetId, i);
          if (!typesMatch(local, parameter, target, other, behindPointer, depth - 1)) return false;
        }
        localId = local.type(localId);
        targetId = target.type(targetId);
        break;
      }
      default:
        return false;
    }
  }
  throw tooDeep(local, localId);
}

function sameName(local: string, target: string): boolean {
  return essentialName(local) === essentialName(target);
}

/** `kind_flag` of a forward declaration says that it is a union's. */
function forwardMatches(union: boolean, target: Btf, targetId: number, behindPointer: boolean): boolean {
  const kind = target.kind(targetId);
  if (kind === BtfKind.FWD) return union === target.kindFlag(targetId);
  return behindPointer && kind === (union ? BtfKind.UNION : BtfKind.STRUCT);
}

function enumsMatch(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  if (local.size(localId) !== target.size(targetId)) return false;
  const known = new Set<string>();
  for (let i = 0; i < target.vlen(targetId); i++) known.add(essentialName(target.enumName(targetId, i)));
  for (let i = 0; i < local.vlen(localId); i++) {
    if (!known.has(essentialName(local.enumName(localId, i)))) return false;
  }
  return local.vlen(localId) <= target.vlen(targetId);
}

function membersMatch(local: Btf, localId: number, target: Btf, targetId: number, depth: number): boolean {
  const targetCount = target.vlen(targetId);
  if (local.vlen(localId) > targetCount) return false;
  for (let i = 0; i < local.vlen(localId); i++) {
    const name = local.memberName(localId, i);
    const type = local.memberType(localId, i);
    let found = false;
    for (let j = 0; j < targetCount && !found; j++) {
      found =
        sameName(name, target.memberName(targetId, j)) &&
        typesMatch(local, type, target, target.memberType(targetId, j), false, depth);
    }
    if (!found) return false;
  }
  return true;
}
