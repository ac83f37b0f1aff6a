import { BpfError } from '../errors';
import { type MapSpec } from '../object';
import { ringBuffers, sizedByCpus, withoutMaxEntries } from './map-rules';

/** What sizes depend on. */
export interface Machine {
  readonly possibleCpus: number;
  /** Bytes. */
  readonly pageSize: number;
}

/**
 * The definition with its size made definite for this machine, inner maps included: perf event arrays and CPU maps
 * get a slot per possible CPU where the source says nothing, ring buffers are rounded up to what the kernel accepts.
 *
 * @throws BpfError MAP_INVALID for a map without a size, which the kernel would refuse with a bare EINVAL
 *
 * @example
 * ```ts
 * sizedMap({ ...events, maxEntries: 5000 }, { possibleCpus: 4, pageSize: 4096 }).maxEntries; // 8192
 * ```
 */
export function sizedMap(spec: MapSpec, machine: Machine): MapSpec {
  const maxEntries = maxEntriesOf(spec, machine);
  const inner = spec.inner === undefined ? undefined : sizedMap(spec.inner, machine);
  return maxEntries === spec.maxEntries && inner === spec.inner ? spec : { ...spec, maxEntries, inner };
}

function maxEntriesOf(spec: MapSpec, machine: Machine): number {
  const { type, maxEntries } = spec;
  if (withoutMaxEntries.has(type)) return maxEntries;
  if (maxEntries === 0) {
    if (sizedByCpus.has(type)) return machine.possibleCpus;
    throw new BpfError('MAP_INVALID', `map '${spec.name}': max_entries is 0`, {
      map: spec.name,
      section: spec.section,
      hint: `set it in the source, as __uint(max_entries, 1024), or at deployment, as maps.${spec.name}.maxEntries in the manifest`,
    });
  }
  return ringBuffers.has(type) ? ringBufferSize(spec, machine.pageSize) : maxEntries;
}

/** The smallest power of two of pages that holds as many bytes; the kernel refuses all other sizes. */
function ringBufferSize(spec: MapSpec, pageSize: number): number {
  let size = pageSize;
  while (size < spec.maxEntries) size *= 2;
  if (size < 2 ** 32) return size;
  throw new BpfError('MAP_INVALID', `map '${spec.name}': ring buffer`, {
    map: spec.name,
    found: `${spec.maxEntries} bytes`,
    expected: `at most ${2 ** 31}`,
  });
}
