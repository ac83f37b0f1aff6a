import { type MapDefinition, type TypeField } from '../state';
import { type MapDifference } from './change';

type Placed = MapDefinition & { readonly pin: string | undefined };

/**
 * In what two definitions of a map differ: sizes and numbers first, then the fields of key and value by name. Where
 * the layouts were not recorded, or differ in what no field shows, that is said as `layout`.
 */
export function mapDifferences(before: Placed, after: Placed): MapDifference[] {
  if (before.abi === after.abi && before.pin === after.pin) return [];
  const numbers = {
    type: (map: Placed) => map.type,
    key_size: (map: Placed) => String(map.keySize),
    value_size: (map: Placed) => String(map.valueSize),
    max_entries: (map: Placed) => String(map.maxEntries),
    map_flags: (map: Placed) => String(map.flags),
    pin: (map: Placed) => map.pin ?? 'none',
  };
  const found: MapDifference[] = [
    ...Object.entries(numbers)
      .filter(([, of]) => of(before) !== of(after))
      .map(([what, of]) => ({
        what: what as MapDifference['what'],
        field: null,
        before: of(before),
        after: of(after),
      })),
    ...fieldDifferences('key', before.key, after.key),
    ...fieldDifferences('value', before.value, after.value),
  ];
  return found.length > 0 ? found : [{ what: 'layout', field: null, before: null, after: null }];
}

function fieldDifferences(
  what: 'key' | 'value',
  before: readonly TypeField[] | null,
  after: readonly TypeField[] | null,
): MapDifference[] {
  if (before === null || after === null) return [];
  const old = new Map(before.map((field) => [field.path, field]));
  const now = new Map(after.map((field) => [field.path, field]));
  const removed = before
    .filter(({ path }) => !now.has(path))
    .map((field) => ({ what, field: field.path, before: field.type, after: null }));
  const others = after.flatMap((field): MapDifference[] => {
    const was = old.get(field.path);
    if (was === undefined) return [{ what, field: field.path, before: null, after: field.type }];
    if (was.type !== field.type || was.bits !== field.bits) {
      const sized =
        was.type === field.type ? ([was, field] as const).map((each) => ` of ${each.bits} bits`) : [];
      return [
        {
          what,
          field: field.path,
          before: was.type + (sized[0] ?? ''),
          after: field.type + (sized[1] ?? ''),
        },
      ];
    }
    if (was.bitOffset !== field.bitOffset) {
      return [{ what, field: field.path, before: placeText(was), after: placeText(field) }];
    }
    return [];
  });
  return [...removed, ...others];
}

function placeText({ type, bitOffset }: TypeField): string {
  return bitOffset % 8 === 0 ? `${type} at byte ${bitOffset / 8}` : `${type} at bit ${bitOffset}`;
}

/**
 * A difference as a sentence has it: `max_entries is 4, wanted 8`, `value gains __u64 expires`.
 *
 * @example
 * ```ts
 * mapDifferenceText({ what: 'max_entries', field: null, before: '4', after: '8' }); // 'max_entries is 4, wanted 8'
 * ```
 */
export function mapDifferenceText({ what, field, before, after }: MapDifference): string {
  if (what === 'layout') return 'the fields of its key or value changed';
  if (field === null) return `${what} is ${before}, wanted ${after}`;
  const name = field === '' ? what : `${what}.${field}`;
  if (before === null) return `${name} is new (${after})`;
  if (after === null) return `${name} is gone (${before})`;
  return `${name} is ${before}, wanted ${after}`;
}
