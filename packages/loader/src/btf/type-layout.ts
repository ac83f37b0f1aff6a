import { createHash } from 'node:crypto';
import { type Btf } from './btf';
import { BtfKind } from './kinds';

/** Longer layouts of a type inside another are shortened to a digest, so that sharing never multiplies the text. */
const LONGEST_INNER = 256;

/**
 * A type's layout as text: everything that decides what the bytes of a value mean (names, offsets and widths of
 * members, signs, enum values), and nothing that does not (type ids, typedefs, qualifiers, what pointers point to).
 * Two types with the same text can share a map.
 */
export function typeLayout(btf: Btf, typeId: number): string {
  return new LayoutWriter(btf).layout(typeId);
}

class LayoutWriter {
  private readonly known = new Map<number, string>();

  constructor(private readonly btf: Btf) {}

  layout(typeId: number): string {
    const id = this.btf.resolve(typeId);
    let text = this.known.get(id);
    if (text === undefined) {
      text = this.write(id);
      this.known.set(id, text);
    }
    return text;
  }

  private write(id: number): string {
    const { btf } = this;
    switch (btf.kind(id)) {
      case BtfKind.INT:
        return `int${btf.intBits(id)}/${btf.intEncoding(id)}`;
      case BtfKind.FLOAT:
        return `float${btf.size(id)}`;
      case BtfKind.PTR:
        return 'pointer';
      case BtfKind.ARRAY:
        return `${this.inner(btf.arrayElement(id))}[${btf.arrayLength(id)}]`;
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
        return `enum${btf.size(id)}{${this.each(id, (i) => `${btf.enumName(id, i)}=${btf.enumValue(id, i)}`)}}`;
      case BtfKind.STRUCT:
      case BtfKind.UNION:
        return `struct${btf.size(id)}{${this.each(id, (i) => this.member(id, i))}}`;
      case BtfKind.DATASEC:
        return `section${btf.size(id)}{${this.each(id, (i) => this.variable(id, i))}}`;
      default:
        return btf.describe(id);
    }
  }

  private member(id: number, i: number): string {
    const { btf } = this;
    const width = btf.memberBitfieldSize(id, i);
    const place = `${btf.memberBitOffset(id, i)}${width === 0 ? '' : `/${width}`}`;
    return `${btf.memberName(id, i)}@${place}:${this.inner(btf.memberType(id, i))}`;
  }

  private variable(id: number, i: number): string {
    const { btf } = this;
    const variable = btf.secVarType(id, i);
    return `${btf.name(variable)}@${btf.secVarOffset(id, i)}:${this.inner(btf.type(variable))}`;
  }

  private inner(typeId: number): string {
    const text = this.layout(typeId);
    return text.length > LONGEST_INNER ? createHash('sha256').update(text).digest('hex') : text;
  }

  private each(id: number, text: (i: number) => string): string {
    return Array.from({ length: this.btf.vlen(id) }, (_, i) => text(i)).join(',');
  }
}
