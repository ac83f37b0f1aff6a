import { BtfKind, decoderOf, type Btf } from '../btf';
import { BpfError, nearest } from '../errors';
import { type BpfMap } from './map';

/** What records are. */
export interface RecordOptions {
  /** C type of the records: `struct exec_event`, or its name alone. Without it they are Uint8Array. */
  readonly type?: string | undefined;
  /** Where that type is; by default the map's own BTF, which is its object's. */
  readonly btf?: Btf | undefined;
}

/** Makes a value of `length` bytes at an offset of a view. */
export type RecordDecoder = (view: DataView, offset: number, length: number) => unknown;

/** @throws BpfError BTF_MISSING or CONSTANT_UNKNOWN when there is no such type */
export function recordDecoder(map: BpfMap, options: RecordOptions): RecordDecoder {
  const { type } = options;
  if (type === undefined) {
    return (view, offset, length) => new Uint8Array(view.buffer, view.byteOffset + offset, length).slice();
  }
  const { btf, id } = recordType(map, type, options.btf);
  const decoder = decoderOf(btf, id);
  return (view, offset, length) => {
    if (length >= decoder.size) return decoder.decodeAt(view, offset);
    throw new BpfError('CONSTANT_INVALID', `map '${map.name}': a record is shorter than ${type}`, {
      map: map.name,
      symbol: type,
      found: `${length} bytes`,
      expected: `${decoder.size}`,
    });
  };
}

/** The type of a map's records by its C name. */
export function recordType(
  map: BpfMap,
  type: string,
  btf: Btf | undefined = map.btf,
): { readonly btf: Btf; readonly id: number } {
  if (btf === undefined) {
    throw new BpfError('BTF_MISSING', `map '${map.name}': no types to find '${type}' in`, {
      map: map.name,
      symbol: type,
      hint: "give the object's BTF",
    });
  }
  const id = findType(btf, type);
  if (id === 0) throw unknownType(map, btf, type);
  return { btf, id };
}

const kinds = { struct: BtfKind.STRUCT, union: BtfKind.UNION, enum: BtfKind.ENUM } as const;

/** A type by its C name: with its keyword, or any struct, typedef, union or integer of that name. */
export function findType(btf: Btf, type: string): number {
  const [, keyword, name = type] = /^(struct|union|enum)\s+(\w+)$/.exec(type) ?? [];
  if (keyword !== undefined) return btf.find(name, kinds[keyword as keyof typeof kinds]);
  const order = [BtfKind.STRUCT, BtfKind.TYPEDEF, BtfKind.UNION, BtfKind.ENUM, BtfKind.INT];
  return order.map((kind) => btf.find(name, kind)).find((id) => id !== 0) ?? 0;
}

function unknownType(map: BpfMap, btf: Btf, type: string): BpfError {
  const names: string[] = [];
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) === BtfKind.STRUCT && btf.name(id) !== '') names.push(btf.name(id));
  }
  const near = nearest(type.replace(/^\w+\s+/, ''), names);
  return new BpfError('CONSTANT_UNKNOWN', `map '${map.name}': the object has no type '${type}'`, {
    map: map.name,
    symbol: type,
    hint:
      near.length > 0
        ? `did you mean ${near.map((name) => `struct ${name}`).join(' or ')}?`
        : 'clang keeps only types that something refers to: declare a global pointer of that type in the C source',
  });
}
