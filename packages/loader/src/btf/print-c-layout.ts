import { type Btf } from './btf';
import { BtfKind } from './kinds';
import { POINTER_SIZE } from './layout';

/** How a struct or union has to be written so that a compiler lays it out as BTF says. */
export interface CLayout {
  /** In bytes, as the compiler will compute it. */
  readonly alignment: number;
  readonly packed: boolean;
}

const unaligned: CLayout = { alignment: 1, packed: false };

/** Layouts of all types of a BTF, each computed once. */
export class CLayouts {
  private readonly btf: Btf;
  private readonly known: (CLayout | undefined)[] = [];

  constructor(btf: Btf) {
    this.btf = btf;
  }

  /** Alignment of a value of the type, in bytes. */
  alignment(id: number): number {
    const { btf } = this;
    const at = btf.resolve(id);
    switch (btf.kind(at)) {
      case BtfKind.INT:
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
        return Math.max(1, btf.size(at));
      case BtfKind.FLOAT:
        // Larger ones are written as bytes, see print-c-arithmetic.ts.
        return btf.size(at) <= 8 ? btf.size(at) : 1;
      case BtfKind.PTR:
        return POINTER_SIZE;
      case BtfKind.ARRAY:
        return this.alignment(btf.arrayElement(at));
      case BtfKind.STRUCT:
      case BtfKind.UNION:
        return this.of(at).alignment;
      default:
        return 1;
    }
  }

  /** Layout of a STRUCT or UNION. */
  of(id: number): CLayout {
    return (this.known[id] ??= this.compute(id));
  }

  private compute(id: number): CLayout {
    const { btf } = this;
    // A struct that contains itself (only in a kernel's unchecked BTF could it) must not end in endless recursion.
    this.known[id] = unaligned;
    let widest = 1;
    let packed = false;
    for (let i = 0; i < btf.vlen(id); i++) {
      const alignment = this.alignment(btf.memberType(id, i));
      const offset = btf.memberBitOffset(id, i);
      const width = bitfieldWidth(btf, id, i);
      // Where an unpacked struct could not have it: across two units of its type, or not at a multiple of its size.
      packed ||=
        width > 0 ? (offset % (8 * alignment)) + width > 8 * alignment : offset % (8 * alignment) !== 0;
      widest = Math.max(widest, alignment);
    }
    packed ||= btf.size(id) % widest !== 0;
    return { alignment: packed ? 1 : widest, packed };
  }
}

/**
 * Width in bits of a bitfield, 0 for other members. Compilers before `kind_flag` (LLVM 8, pahole 1.12) wrote a
 * bitfield as a member of an INT that is narrower than its bytes.
 */
export function bitfieldWidth(btf: Btf, id: number, i: number): number {
  const width = btf.memberBitfieldSize(id, i);
  if (width > 0 || btf.kindFlag(id)) return width;
  const type = btf.resolve(btf.memberType(id, i));
  if (btf.kind(type) !== BtfKind.INT) return 0;
  const bits = btf.intBits(type);
  return bits < 8 * btf.size(type) ? bits : 0;
}

/** Where a compiler puts the next member, in bits, if nothing is put before it. */
export function naturalOffset(position: number, alignment: number, width: number, packed: boolean): number {
  if (width > 0) {
    if (packed) return position;
    const unit = 8 * alignment;
    return (position % unit) + width > unit ? roundUp(position, unit) : position;
  }
  return roundUp(position, packed ? 8 : 8 * alignment);
}

export function roundUp(position: number, unit: number): number {
  return Math.ceil(position / unit) * unit;
}

const paddings = [
  { type: 'long', bits: 64 },
  { type: 'int', bits: 32 },
  { type: 'short', bits: 16 },
  { type: 'char', bits: 8 },
] as const;

/**
 * Unnamed bitfields that move the next member from one bit position to another. Being unnamed they do not change the
 * alignment of the struct, and each stays within a unit of its type.
 */
export function padding(from: number, to: number): string[] {
  const lines: string[] = [];
  for (let position = from; position < to;) {
    const whole = paddings.find(({ bits }) => position % bits === 0 && to - position >= bits);
    const bits = whole?.bits ?? Math.min(to - position, 8 - (position % 8));
    lines.push(`${whole?.type ?? 'char'}: ${bits};`);
    position += bits;
  }
  return lines;
}
