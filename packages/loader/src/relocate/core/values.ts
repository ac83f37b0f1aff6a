import { type Btf, BtfKind } from '../../btf';
import { BpfError } from '../../errors';
import { type AccessPath } from './access-path';
import { isEnum, isSignedInt } from './compatible';
import { CoreKind } from './kinds';

/**
 * What a relocation's question has for an answer in one set of types: asked of the object's own types it gives the
 * value that the compiler put into the instruction, asked of the kernel's the value that has to be there.
 * The rules are those of the kernel's tools/lib/bpf/relo_core.c (`bpf_core_calc_field_relo` and its like).
 */
export interface Answer {
  /** What goes into the instruction, 64 bits. */
  readonly value: bigint;
  /** The value is what every compiler would have computed: an instruction that holds another one is wrong. */
  readonly certain: boolean;
  /** The scalar that a load or store at this offset is about; only for offsets of what is no bitfield. */
  readonly scalar: Scalar | undefined;
  /** Of a 32-bit enum's value, what it is in 64 bits when the enum is unsigned. */
  readonly unsigned: bigint | undefined;
}

/** A field's type and size in bytes; of an array, its type and the size of one element. */
export interface Scalar {
  readonly btf: Btf;
  readonly typeId: number;
  readonly size: number;
}

/** The answer for a field, an enum value or a type that is not there; undefined: there is none, so it must not be used. */
export function answerMissing(kind: number): Answer | undefined {
  switch (kind) {
    case CoreKind.FIELD_EXISTS:
    case CoreKind.ENUMVAL_EXISTS:
    case CoreKind.TYPE_EXISTS:
    case CoreKind.TYPE_MATCHES:
    case CoreKind.TYPE_SIZE:
    case CoreKind.TYPE_ID_TARGET:
      return answerOf(0, true);
    default:
      return undefined;
  }
}

/**
 * The answer where the path leads somewhere.
 *
 * @throws BpfError CORE_INVALID for questions that make no sense for what the path leads to
 */
export function answer(kind: number, path: AccessPath): Answer {
  switch (kind) {
    case CoreKind.FIELD_EXISTS:
    case CoreKind.ENUMVAL_EXISTS:
    case CoreKind.TYPE_EXISTS:
    case CoreKind.TYPE_MATCHES:
      return answerOf(1, true);
    case CoreKind.TYPE_ID_LOCAL:
    case CoreKind.TYPE_ID_TARGET:
      // Linking objects renumbers types without touching instructions.
      return answerOf(path.rootId, false);
    case CoreKind.TYPE_SIZE:
      return answerOf(path.btf.byteSize(path.rootId), true);
    case CoreKind.ENUMVAL_VALUE: {
      const { typeId, index } = path.steps[0]!;
      return enumValue(path.btf, typeId, index);
    }
    default:
      return path.steps.at(-1)!.name === undefined ? answerElement(kind, path) : answerMember(kind, path);
  }
}

function answerOf(value: number, certain: boolean, scalar?: Scalar): Answer {
  return { value: BigInt.asUintN(64, BigInt(value)), certain, scalar, unsigned: undefined };
}

/**
 * Compilers record the sign of 32-bit enums only since 2022, so libbpf takes all for signed: -1 is 64 bits of ones.
 * clang writes a value of an unsigned one without sign all the same; `patch` sees by that which of the two holds.
 */
function enumValue(btf: Btf, typeId: number, index: number): Answer {
  const value = btf.enumValue(typeId, index);
  const narrow = btf.kind(typeId) === BtfKind.ENUM;
  return {
    value: BigInt.asUintN(64, narrow ? BigInt.asIntN(32, value) : value),
    certain: true,
    scalar: undefined,
    unsigned: narrow ? BigInt.asUintN(32, value) : undefined,
  };
}

/** `p[2]` or `p->array[2]`: only offset and size have a meaning. */
function answerElement(kind: number, path: AccessPath): Answer {
  const { typeId } = path.steps.at(-1)!;
  if (kind === CoreKind.FIELD_BYTE_OFFSET) {
    return answerOf(Math.floor(path.bitOffset / 8), true, scalarOf(path.btf, typeId));
  }
  if (kind === CoreKind.FIELD_BYTE_SIZE) return answerOf(path.btf.byteSize(typeId), true);
  throw new BpfError('CORE_INVALID', 'neither sign nor shift of an array element can be relocated', {
    hint: 'ask for those of a member',
  });
}

function answerMember(kind: number, path: AccessPath): Answer {
  const { btf, bitOffset } = path;
  const { typeId, index } = path.steps.at(-1)!;
  const fieldType = btf.resolve(btf.memberType(typeId, index));
  const bitfieldSize = btf.memberBitfieldSize(typeId, index);
  const bitfield = bitfieldSize > 0;
  const unit = bitfield
    ? loadUnit(bitOffset, bitfieldSize, btf.byteSize(fieldType))
    : { offset: Math.floor(bitOffset / 8), size: btf.byteSize(fieldType) };
  const bitSize = bitfield ? bitfieldSize : unit.size * 8;
  // How a compiler reads a bitfield is its own affair, so of those only sign and width can be checked.
  const certain = !bitfield;
  switch (kind) {
    case CoreKind.FIELD_BYTE_OFFSET:
      return answerOf(unit.offset, certain, bitfield ? undefined : scalarOf(btf, fieldType));
    case CoreKind.FIELD_BYTE_SIZE:
      return answerOf(unit.size, certain);
    case CoreKind.FIELD_SIGNED:
      return answerOf(isSigned(btf, fieldType) ? 1 : 0, true);
    case CoreKind.FIELD_LSHIFT_U64:
      return answerOf(leftShift(btf, bitOffset, bitSize, unit), certain);
    case CoreKind.FIELD_RSHIFT_U64:
      return answerOf(64 - bitSize, true);
    default:
      throw new BpfError('CORE_INVALID', `relocation kind ${kind} is not about a field`);
  }
}

interface LoadUnit {
  /** Bytes from the start of the root. */
  readonly offset: number;
  readonly size: number;
}

/** The smallest aligned unit of 1, 2, 4 or 8 bytes, at least as big as the declared type, that has all the bits. */
function loadUnit(bitOffset: number, bitSize: number, declaredSize: number): LoadUnit {
  for (let size = declaredSize; size <= 8; size *= 2) {
    const offset = Math.floor(bitOffset / 8 / size) * size;
    if (bitOffset + bitSize <= (offset + size) * 8) return { offset, size };
  }
  throw new BpfError(
    'CORE_INVALID',
    `a bitfield of ${bitSize} bits at bit ${bitOffset} is not in one 8-byte load`,
  );
}

/** Brings the field's highest bit to the top of a 64-bit register that its unit was loaded into. */
function leftShift(btf: Btf, bitOffset: number, bitSize: number, unit: LoadUnit): number {
  const inUnit = bitOffset - unit.offset * 8;
  return btf.littleEndian ? 64 - (inUnit + bitSize) : (8 - unit.size) * 8 + inUnit;
}

function isSigned(btf: Btf, id: number): boolean {
  const kind = btf.kind(id);
  if (isEnum(kind)) return btf.kindFlag(id);
  return kind === BtfKind.INT && isSignedInt(btf, id);
}

/** Loads from an array are loads of its elements, whatever its length. */
function scalarOf(btf: Btf, typeId: number): Scalar {
  let element = btf.resolve(typeId);
  while (btf.kind(element) === BtfKind.ARRAY) element = btf.resolve(btf.arrayElement(element));
  return { btf, typeId, size: btf.byteSize(element) };
}

/**
 * Whether a load or store may change its width with the field's: pointers, which are 4 bytes on 32-bit kernels and
 * always 8 in BPF, and unsigned integers, for which a load extends with zeros.
 */
export function widthMayChange(local: Scalar, target: Scalar): boolean {
  const kind = local.btf.kind(local.typeId);
  if (kind !== target.btf.kind(target.typeId)) return false;
  if (kind === BtfKind.PTR) return true;
  return (
    kind === BtfKind.INT && !isSignedInt(local.btf, local.typeId) && !isSignedInt(target.btf, target.typeId)
  );
}
