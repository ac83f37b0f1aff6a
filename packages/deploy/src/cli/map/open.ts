import { BpfError, BpfMap, lpmText, MapType, mapTypeName } from '@nx-bpf/loader';
import { valueText } from '../../report';
import { find, type Deployments } from '../find';

/** The map that a command names; the caller closes it. */
export function openMap(target: string, deployments: Deployments): BpfMap {
  const { fd, name } = find('map', target, deployments);
  return new BpfMap(fd, { name });
}

/** Maps that hold records for a reader, and no elements. */
const recordMaps: readonly number[] = [MapType.ringbuf, MapType.user_ringbuf, MapType.perf_event_array];

/** @throws BpfError MAP_INVALID for a map whose elements cannot be walked */
export function requireKeys(map: BpfMap, target: string): void {
  if (map.keySize > 0 && !recordMaps.includes(map.type)) return;
  throw new BpfError('MAP_INVALID', `map '${map.name}' has no keys to walk`, {
    map: map.name,
    found: `a map of type ${mapTypeName(map.type)}`,
    hint: recordMaps.includes(map.type)
      ? `nx-bpf events ${target} prints its records`
      : `nx-bpf map lookup ${target} shows what comes next`,
  });
}

/** A key as people read it: networks of an LPM trie as such. */
export function keyText(map: BpfMap, key: unknown, bytes: Uint8Array): string {
  return (map.type === MapType.lpm_trie ? lpmText(bytes) : undefined) ?? valueText(key);
}
