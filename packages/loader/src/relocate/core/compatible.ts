import { type Btf, BtfKind, essentialName, IntEncoding } from '../../btf';
import { BpfError } from '../../errors';

/**
 * When a type of the object and one of the kernel are taken for the same, as `bpf_core_fields_are_compat` and
 * `bpf_core_types_are_compat` of the kernel's relo_core.c and btf.c decide it.
 */

/** Most nested types that are looked at, as in the kernel. */
export const MAX_DEPTH = 32;

export function tooDeep(btf: Btf, id: number): BpfError {
  return new BpfError('CORE_INVALID', `${btf.describe(id)} has types nested more than ${MAX_DEPTH} deep`);
}

/** Enums may change between 32 and 64 bits; everything else has to stay of its kind. */
export function sameKind(local: number, target: number): boolean {
  return local === target || (isEnum(local) && isEnum(target));
}

export function isEnum(kind: number): boolean {
  return kind === BtfKind.ENUM || kind === BtfKind.ENUM64;
}

export function isComposite(kind: number): boolean {
  return kind === BtfKind.STRUCT || kind === BtfKind.UNION;
}

export function isSignedInt(btf: Btf, id: number): boolean {
  return (btf.intEncoding(id) & IntEncoding.SIGNED) !== 0;
}

/**
 * Whether a field of the kernel may stand for a field of the same name in the object: only the kind matters, sizes
 * and signs may differ, and pointers point to anything. Enums and forward declarations must not have two names.
 */
export function fieldsCompatible(local: Btf, localId: number, target: Btf, targetId: number): boolean {
  for (;;) {
    localId = local.resolve(localId);
    targetId = target.resolve(targetId);
    const kind = local.kind(localId);
    const targetKind = target.kind(targetId);
    if (isComposite(kind) && isComposite(targetKind)) return true;
    if (!sameKind(kind, targetKind)) return false;
    switch (kind) {
      case BtfKind.PTR:
      case BtfKind.FLOAT:
        return true;
      case BtfKind.FWD:
      case BtfKind.ENUM:
      case BtfKind.ENUM64: {
        const name = essentialName(local.name(localId));
        const targetName = essentialName(target.name(targetId));
        return name === '' || targetName === '' || name === targetName;
      }
      case BtfKind.INT:
        // An offset inside an INT is how bitfields were written before kind_flag.
        return local.intOffset(localId) === 0 && target.intOffset(targetId) === 0;
      case BtfKind.ARRAY:
        localId = local.arrayElement(localId);
        targetId = target.arrayElement(targetId);
        break;
      default:
        return false;
    }
  }
}

/**
 * Whether two types whose names are already known to be the same may stand for each other: structs, unions and enums
 * always, pointers and arrays if what they point to or hold may, functions if return type and all parameters may.
 *
 * @throws BpfError CORE_INVALID when the types are nested deeper than the kernel would look
 */
export function typesCompatible(
  local: Btf,
  localId: number,
  target: Btf,
  targetId: number,
  depth = MAX_DEPTH,
): boolean {
  for (; depth > 0; depth--) {
    localId = local.resolve(localId);
    targetId = target.resolve(targetId);
    const kind = local.kind(localId);
    if (!sameKind(kind, target.kind(targetId))) return false;
    switch (kind) {
      case BtfKind.VOID:
      case BtfKind.STRUCT:
      case BtfKind.UNION:
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
      case BtfKind.FWD:
        return true;
      case BtfKind.INT:
        return local.intOffset(localId) === 0 && target.intOffset(targetId) === 0;
      case BtfKind.PTR:
        localId = local.type(localId);
        targetId = target.type(targetId);
        break;
      case BtfKind.ARRAY:
        localId = local.arrayElement(localId);
        targetId = target.arrayElement(targetId);
        break;
      case BtfKind.FUNC_PROTO: {
        const parameters = local.vlen(localId);
        if (parameters !== target.vlen(targetId)) return false;
        for (let i = 0; i < parameters; i++) {
          const parameter = local.paramType(localId, i);
          if (!typesCompatible(local, parameter, target, target.paramType(targetId, i), depth - 1))
            return false;
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
