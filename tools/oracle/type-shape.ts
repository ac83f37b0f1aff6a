import { BtfKind, type Btf } from '../../packages/loader/src/btf';
import { type Json } from './difference';

/**
 * What a type is, without its id: its C name, and for structs, unions and data sections their size and where each
 * member lies, down to the scalars. Pointers are not followed.
 */
export function typeShape(btf: Btf, id: number): Json {
  const type = btf.resolve(id);
  switch (btf.kind(type)) {
    case BtfKind.STRUCT:
    case BtfKind.UNION:
      return {
        type: btf.describe(id),
        size: btf.size(type),
        members: indices(btf.vlen(type)).map((i) => ({
          name: btf.memberName(type, i),
          bit: btf.memberBitOffset(type, i),
          bits: btf.memberBitfieldSize(type, i),
          shape: typeShape(btf, btf.memberType(type, i)),
        })),
      };
    case BtfKind.DATASEC:
      return {
        type: btf.describe(type),
        size: btf.size(type),
        variables: indices(btf.vlen(type)).map((i) => ({
          name: btf.name(btf.secVarType(type, i)),
          offset: btf.secVarOffset(type, i),
          size: btf.secVarSize(type, i),
          linkage: btf.linkage(btf.secVarType(type, i)),
          shape: typeShape(btf, btf.type(btf.secVarType(type, i))),
        })),
      };
    case BtfKind.ARRAY:
      return { type: btf.describe(id), of: typeShape(btf, btf.arrayElement(type)) };
    case BtfKind.ENUM:
    case BtfKind.ENUM64:
      return {
        type: btf.describe(id),
        size: btf.size(type),
        values: indices(btf.vlen(type)).map((i) => `${btf.enumName(type, i)} = ${btf.enumValue(type, i)}`),
      };
    default:
      return btf.describe(id);
  }
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
