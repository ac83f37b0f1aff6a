import { BpfError } from '../errors';
import { type Btf } from './btf';
import { BtfKind } from './kinds';
import { MAX_NESTING } from './nesting';

/** BPF is a 64-bit machine, and so are the kernels that run it here. */
export const POINTER_SIZE = 8;

/**
 * Bytes that a value of a type takes.
 *
 * @throws BpfError BTF_MALFORMED for types without values (functions, `void`, forward declarations) and for arrays
 * of 4 GiB and more
 */
export function sizeOf(btf: Btf, id: number): number {
  let at = id;
  let count = 1;
  for (let depth = 0; depth <= MAX_NESTING; depth++) {
    at = btf.resolve(at);
    switch (btf.kind(at)) {
      case BtfKind.INT:
      case BtfKind.STRUCT:
      case BtfKind.UNION:
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
      case BtfKind.FLOAT:
      case BtfKind.DATASEC:
        return checkedSize(btf, id, count * btf.size(at));
      case BtfKind.PTR:
        return checkedSize(btf, id, count * POINTER_SIZE);
      case BtfKind.ARRAY:
        count = checkedSize(btf, id, count * btf.arrayLength(at));
        at = btf.arrayElement(at);
        break;
      case BtfKind.VAR:
        at = btf.type(at);
        break;
      default:
        throw layoutError(btf, id, 'has no size');
    }
  }
  throw layoutError(btf, id, 'contains itself');
}

function checkedSize(btf: Btf, id: number, size: number): number {
  if (size > 0xffffffff) throw layoutError(btf, id, `has ${size} bytes, more than 32 bits can say`);
  return size;
}

/**
 * Alignment of a value of a type as a C compiler chose it. BTF does not record `packed`; a struct is packed when a
 * member, or its end, is not where the members' alignment would put it.
 */
export function alignmentOf(btf: Btf, id: number): number {
  return alignmentAt(btf, id, 0);
}

function alignmentAt(btf: Btf, id: number, depth: number): number {
  if (depth > MAX_NESTING) throw layoutError(btf, id, 'contains itself');
  const at = btf.resolve(id);
  switch (btf.kind(at)) {
    case BtfKind.INT:
    case BtfKind.ENUM:
    case BtfKind.ENUM64:
    case BtfKind.FLOAT:
      // An enum without a definition has no size.
      return Math.max(1, Math.min(POINTER_SIZE, btf.size(at)));
    case BtfKind.PTR:
      return POINTER_SIZE;
    case BtfKind.ARRAY:
      return alignmentAt(btf, btf.arrayElement(at), depth + 1);
    case BtfKind.VAR:
      return alignmentAt(btf, btf.type(at), depth + 1);
    case BtfKind.STRUCT:
    case BtfKind.UNION:
      return compositeAlignment(btf, at, depth);
    default:
      throw layoutError(btf, id, 'has no alignment');
  }
}

function compositeAlignment(btf: Btf, id: number, depth: number): number {
  let widest = 1;
  for (let i = 0; i < btf.vlen(id); i++) {
    const alignment = alignmentAt(btf, btf.memberType(id, i), depth + 1);
    const bitfield = btf.memberBitfieldSize(id, i) !== 0;
    if (!bitfield && btf.memberBitOffset(id, i) % (8 * alignment) !== 0) return 1;
    widest = Math.max(widest, alignment);
  }
  return btf.size(id) % widest === 0 ? widest : 1;
}

function layoutError(btf: Btf, id: number, what: string): BpfError {
  return new BpfError('BTF_MALFORMED', `BTF type [${id}] '${btf.describe(id)}' ${what}`, {
    section: '.BTF',
    symbol: btf.name(id) || undefined,
  });
}
