import { BpfError, nearest } from '../errors';
import { type MapSpec } from '../object';
import { type RelocatedObject } from './relocated';

/** What a deployment may set of a map that the C source defines; what is left out stays. */
export interface MapOverride {
  readonly maxEntries?: number | undefined;
  /** All of `map_flags`, not flags to add. */
  readonly flags?: number | undefined;
  readonly numaNode?: number | undefined;
  readonly mapExtra?: bigint | undefined;
  readonly pinByName?: boolean | undefined;
  /** The same for the template of a map-in-map's inner maps. */
  readonly inner?: MapOverride | undefined;
}

/**
 * A relocated object with other map definitions: sizes and flags that belong to an environment, not to the source.
 *
 * @param overrides by the map's name
 * @throws BpfError MAP_NOT_FOUND with the nearest names; MAP_INVALID for a number that is not one of 32 (mapExtra: 64)
 * bits, for the size of a data section, or for an inner map where there is none
 *
 * @example
 * ```ts
 * const large = withMaps(relocated, { hits: { maxEntries: 1048576 } });
 * large.maps.find((map) => map.name === 'hits')?.maxEntries; // 1048576
 * ```
 */
export function withMaps(
  relocated: RelocatedObject,
  overrides: Readonly<Record<string, MapOverride>>,
): RelocatedObject {
  for (const name of Object.keys(overrides).sort()) {
    if (!relocated.maps.some((map) => map.name === name)) throw notFound(relocated, name);
  }
  const maps = relocated.maps.map((map) =>
    Object.hasOwn(overrides, map.name) ? override(relocated.name, map, overrides[map.name]!) : map,
  );
  return { ...relocated, maps };
}

function override(object: string, map: MapSpec, wanted: MapOverride): MapSpec {
  const invalid = (found: string, expected: string): BpfError =>
    new BpfError('MAP_INVALID', `${object}: map '${map.name}'`, { object, map: map.name, found, expected });
  for (const key of ['maxEntries', 'flags', 'numaNode'] as const) {
    const value = wanted[key];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw invalid(`${key} ${value}`, 'a number from 0 to 4294967295');
    }
  }
  if (wanted.mapExtra !== undefined && BigInt.asUintN(64, wanted.mapExtra) !== wanted.mapExtra) {
    throw invalid(`mapExtra ${wanted.mapExtra}`, 'a number from 0 to 18446744073709551615');
  }
  const isData = map.origin === 'data' || map.origin === 'kconfig';
  if (isData && wanted.maxEntries !== undefined && wanted.maxEntries !== 1) {
    throw invalid(`maxEntries ${wanted.maxEntries}`, `1, since the map is section ${map.section}`);
  }
  if (wanted.inner !== undefined && map.inner === undefined) {
    throw invalid('settings for inner maps', 'none, since the map holds no maps');
  }
  return {
    ...map,
    maxEntries: wanted.maxEntries ?? map.maxEntries,
    flags: wanted.flags ?? map.flags,
    numaNode: wanted.numaNode ?? map.numaNode,
    mapExtra: wanted.mapExtra ?? map.mapExtra,
    pinByName: wanted.pinByName ?? map.pinByName,
    inner: map.inner && wanted.inner ? override(object, map.inner, wanted.inner) : map.inner,
  };
}

function notFound(relocated: RelocatedObject, name: string): BpfError {
  const known = relocated.maps.map((map) => map.name);
  const near = nearest(name, known);
  return new BpfError('MAP_NOT_FOUND', `${relocated.name}: no map '${name}'`, {
    object: relocated.name,
    map: name,
    expected: known.length === 0 ? 'nothing: the object has no maps' : `one of ${known.join(', ')}`,
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : undefined,
  });
}
