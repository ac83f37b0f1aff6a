import { BpfError } from '../errors';
import { MapType, mapTypeName } from '../object';
import { type BpfMap } from './map';

/**
 * @param use what the map is taken for: `read as a ring buffer`
 * @throws BpfError MAP_INVALID for a map of another type
 */
export function requireMapType(map: BpfMap, wanted: keyof typeof MapType, use: string): void {
  if (map.type === MapType[wanted]) return;
  throw new BpfError('MAP_INVALID', `map '${map.name}' is ${use}`, {
    map: map.name,
    found: `a map of type ${mapTypeName(map.type)}`,
    expected: `type ${wanted}`,
  });
}
