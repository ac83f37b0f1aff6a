import { BpfError } from '../errors';
import { type MapInfo } from '../kernel';
import { mapTypeName, type MapSpec } from '../object';
import { readOnlyForPrograms } from './map-rules';

const BPF_F_RDONLY_PROG = 1 << 7;

/**
 * In what an existing map differs from a definition, one line each; empty if it can be used in its place.
 * BPF_F_RDONLY_PROG is passed over for device maps, where kernels up to 6.17 set it themselves.
 *
 * @param spec with its size made definite: see {@link sizedMap}
 *
 * @example
 * ```ts
 * const hits = spec.maps.find((map) => map.name === 'hits')!;
 * mapDifferences({ ...hits, maxEntries: 4096 }, mapInfo(mapFd)); // ['max_entries is 1024, the object defines 4096']
 * ```
 */
export function mapDifferences(spec: MapSpec, info: MapInfo): string[] {
  const ignored = readOnlyForPrograms.has(spec.type) ? BPF_F_RDONLY_PROG : 0;
  const flags = (value: number) => `0x${(value >>> 0).toString(16)}`;
  const rows: readonly (readonly [what: string, found: string, wanted: string])[] = [
    ['type', mapTypeName(info.type), mapTypeName(spec.type)],
    ['key_size', String(info.keySize), String(spec.keySize)],
    ['value_size', String(info.valueSize), String(spec.valueSize)],
    ['max_entries', String(info.maxEntries), String(spec.maxEntries)],
    ['map_flags', flags(info.flags & ~ignored), flags(spec.flags & ~ignored)],
    ['map_extra', String(info.mapExtra), String(spec.mapExtra)],
  ];
  return rows
    .filter(([, found, wanted]) => found !== wanted)
    .map(([what, found, wanted]) => `${what} is ${found}, the object defines ${wanted}`);
}

/** The error for a map that can't be used in place of a definition. */
export function incompatible(
  spec: MapSpec,
  where: string,
  problems: readonly string[],
  path?: string,
): BpfError {
  return new BpfError('MAP_INCOMPATIBLE', `map '${spec.name}': ${where} is a different one`, {
    map: spec.name,
    path,
    found: problems.join('; '),
    hint:
      path === undefined
        ? 'hand in a map of the same definition'
        : `change the object's definition back, pin under another name, or remove ${path} and lose its contents`,
    problems,
  });
}
