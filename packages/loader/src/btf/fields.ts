import { type Btf } from './btf';
import { BtfKind } from './kinds';

/** A named part of a struct, union or data section. */
export interface Field {
  readonly name: string;
  readonly type: number;
  /** Bits from the start of the whole. */
  readonly bitOffset: number;
  /** 0 for a field that is no bitfield. */
  readonly bitfieldSize: number;
}

const known = new WeakMap<Btf, Map<number, readonly Field[]>>();

/**
 * The fields as C code names them: those of anonymous structs and unions belong to the one around them. The
 * variables of a DATASEC count as its fields. Nameless padding is left out. Worked out once for a type.
 */
export function fieldsOf(btf: Btf, id: number): readonly Field[] {
  let ofBtf = known.get(btf);
  if (ofBtf === undefined) known.set(btf, (ofBtf = new Map()));
  let fields = ofBtf.get(id);
  if (fields === undefined) ofBtf.set(id, (fields = findFields(btf, id)));
  return fields;
}

function findFields(btf: Btf, id: number): readonly Field[] {
  if (btf.kind(id) === BtfKind.DATASEC)
    return Array.from({ length: btf.vlen(id) }, (_, i) => variable(btf, id, i));
  const fields: Field[] = [];
  collect(btf, id, 0, fields, new Set());
  return fields;
}

function variable(btf: Btf, id: number, i: number): Field {
  const type = btf.secVarType(id, i);
  return { name: btf.name(type), type, bitOffset: 8 * btf.secVarOffset(id, i), bitfieldSize: 0 };
}

/** C has no two fields of one name, so an anonymous type that occurs twice has none: it is entered only once. */
function collect(btf: Btf, id: number, base: number, fields: Field[], entered: Set<number>): void {
  for (let i = 0; i < btf.vlen(id); i++) {
    const name = btf.memberName(id, i);
    const bitOffset = base + btf.memberBitOffset(id, i);
    if (name !== '') {
      fields.push({
        name,
        type: btf.memberType(id, i),
        bitOffset,
        bitfieldSize: btf.memberBitfieldSize(id, i),
      });
      continue;
    }
    const inner = btf.resolve(btf.memberType(id, i));
    if (!isComposite(btf, inner) || entered.has(inner)) continue;
    entered.add(inner);
    collect(btf, inner, bitOffset, fields, entered);
  }
}

/** Struct or union. */
export function isComposite(btf: Btf, id: number): boolean {
  return btf.kind(id) === BtfKind.STRUCT || btf.kind(id) === BtfKind.UNION;
}

/** C's `char`, whose arrays hold text; `signed char` and `unsigned char` are small integers. */
export function isChar(btf: Btf, id: number): boolean {
  const type = btf.resolve(id);
  const isByte = btf.kind(type) === BtfKind.INT && btf.size(type) === 1 && btf.intBits(type) === 8;
  return isByte && btf.name(type) === 'char';
}

/** A scalar's place: bits from the start, and how many. */
export interface ScalarPlace {
  readonly bitOffset: number;
  readonly width: number;
}

/**
 * Where the bits of an INT, ENUM or PTR are. Old compilers described bitfields with an INT of fewer bits than its
 * size, and an offset in it.
 */
export function scalarPlace(btf: Btf, id: number, bitOffset: number, bitfieldSize: number): ScalarPlace {
  if (bitfieldSize !== 0) return { bitOffset, width: bitfieldSize };
  if (btf.kind(id) === BtfKind.INT)
    return { bitOffset: bitOffset + btf.intOffset(id), width: btf.intBits(id) };
  return { bitOffset, width: 8 * btf.byteSize(id) };
}
