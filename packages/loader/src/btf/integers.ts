import { type Btf } from './btf';
import { type TypeOf } from './conversion';
import { type IntegerPlace } from './conversion-steps';
import { fieldsOf, scalarPlace } from './fields';
import { BtfKind, IntEncoding } from './kinds';

const composites: readonly BtfKind[] = [BtfKind.STRUCT, BtfKind.UNION, BtfKind.DATASEC];

/** More counters than that are no field that somebody sums up. */
const MOST = 4096;

/**
 * The integers of a field: one, or those of its array.
 *
 * @param path `packets`, `stats.packets`; '' for the value itself
 * @returns undefined if there is no such field, an empty list if it is none of integers
 *
 * @example
 * ```ts
 * integersOf({ btf, typeId: btf.find('config', BtfKind.STRUCT) }, 'port'); // [{ bitOffset: 0, width: 16, signed: false }]
 * ```
 */
export function integersOf({ btf, typeId }: TypeOf, path: string): IntegerPlace[] | undefined {
  let type = typeId;
  let bitOffset = 0;
  let bitfieldSize = 0;
  for (const step of path === '' ? [] : path.split('.')) {
    const id = valueType(btf, type);
    const field = composites.includes(btf.kind(id))
      ? fieldsOf(btf, id).find(({ name }) => name === step)
      : undefined;
    if (field === undefined) return undefined;
    type = field.type;
    bitOffset += field.bitOffset;
    bitfieldSize = field.bitfieldSize;
  }
  const places: IntegerPlace[] = [];
  return collect(btf, type, bitOffset, bitfieldSize, places) ? places : [];
}

function collect(btf: Btf, type: number, bitOffset: number, bitfield: number, into: IntegerPlace[]): boolean {
  const id = valueType(btf, type);
  if (btf.kind(id) === BtfKind.INT && (btf.intEncoding(id) & IntEncoding.BOOL) === 0) {
    const signed = (btf.intEncoding(id) & IntEncoding.SIGNED) !== 0;
    into.push({ ...scalarPlace(btf, id, bitOffset, bitfield), signed });
    return into.length <= MOST;
  }
  if (btf.kind(id) !== BtfKind.ARRAY) return false;
  const element = btf.arrayElement(id);
  const bits = 8 * btf.byteSize(element);
  for (let i = 0; i < btf.arrayLength(id); i++)
    if (!collect(btf, element, bitOffset + i * bits, 0, into)) return false;
  return true;
}

function valueType(btf: Btf, type: number): number {
  const id = btf.resolve(type);
  return btf.kind(id) === BtfKind.VAR ? btf.resolve(btf.type(id)) : id;
}
