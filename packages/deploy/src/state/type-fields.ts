import { type Btf, BtfKind } from '@nx-bpf/loader';

/** A part of a map's key or value, as C code names it. */
export interface TypeField {
  /** `''` for the whole of a scalar, `count`, `flow.port`, `slots[].next` for what is in each element of an array. */
  readonly path: string;
  /** As C writes it: `__u32`, `struct flow`, `char[16]`. */
  readonly type: string;
  /** Bits from the start of the whole, in an array those of its first element. */
  readonly bitOffset: number;
  readonly bits: number;
}

/** Nested deeper than any struct that people write; BTF may hold a cycle. */
const deepest = 16;
/** A ledger records at most so many fields of a type. */
const most = 256;

/**
 * The fields of a type in the order of their offsets: structs, and arrays of structs, entered, everything else as a
 * whole.
 */
export function typeFields(btf: Btf, typeId: number): TypeField[] {
  const fields: TypeField[] = [];
  collect(btf, typeId, { path: '', bitOffset: 0, bits: 8 * btf.byteSize(typeId), depth: 0 }, fields);
  return fields;
}

interface Place {
  readonly path: string;
  readonly bitOffset: number;
  readonly bits: number;
  readonly depth: number;
}

function collect(btf: Btf, typeId: number, place: Place, fields: TypeField[]): void {
  if (fields.length >= most) return;
  const { path, bitOffset, bits, depth } = place;
  const id = btf.resolve(typeId);
  const kind = btf.kind(id);
  const add = (): void => {
    fields.push({ path, type: btf.describe(typeId), bitOffset, bits });
  };
  if (depth >= deepest) return add();
  if (kind === BtfKind.STRUCT || kind === BtfKind.UNION) {
    for (let i = 0; i < btf.vlen(id); i++) {
      const type = btf.memberType(id, i);
      const name = btf.memberName(id, i);
      const width = btf.memberBitfieldSize(id, i);
      collect(
        btf,
        type,
        {
          path: join(path, name),
          bitOffset: bitOffset + btf.memberBitOffset(id, i),
          bits: width === 0 ? 8 * btf.byteSize(type) : width,
          depth: depth + 1,
        },
        fields,
      );
    }
    return;
  }
  if (kind === BtfKind.DATASEC) {
    for (let i = 0; i < btf.vlen(id); i++) {
      const variable = btf.secVarType(id, i);
      const size = btf.secVarSize(id, i);
      const at = bitOffset + 8 * btf.secVarOffset(id, i);
      collect(
        btf,
        btf.type(variable),
        { path: join(path, btf.name(variable)), bitOffset: at, bits: 8 * size, depth: depth + 1 },
        fields,
      );
    }
    return;
  }
  add();
  if (kind !== BtfKind.ARRAY) return;
  const element = btf.arrayElement(id);
  const inner = btf.kind(btf.resolve(element));
  if (inner !== BtfKind.STRUCT && inner !== BtfKind.UNION) return;
  collect(
    btf,
    element,
    { path: `${path}[]`, bitOffset, bits: 8 * btf.byteSize(element), depth: depth + 1 },
    fields,
  );
}

/** Members of anonymous structs belong to the one around them. */
function join(path: string, name: string): string {
  if (name === '') return path;
  return path === '' ? name : `${path}.${name}`;
}
