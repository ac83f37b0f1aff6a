import { MapType } from '../object';

/** Maps whose elements have a value for each possible CPU. */
const perCpuTypes: readonly number[] = [
  MapType.percpu_hash,
  MapType.percpu_array,
  MapType.lru_percpu_hash,
  MapType.percpu_cgroup_storage,
];

/**
 * Whether each element of a map of this type has a value for every possible CPU.
 *
 * @example
 * ```ts
 * isPerCpu(MapType.percpu_hash); // true
 * ```
 */
export function isPerCpu(type: number): boolean {
  return perCpuTypes.includes(type);
}

/** Types whose key is an index of 32 bits, whether or not BTF says so: arrays of values and of fds. */
const indexed: ReadonlySet<number> = new Set([
  MapType.array,
  MapType.percpu_array,
  MapType.prog_array,
  MapType.perf_event_array,
  MapType.cgroup_array,
  MapType.array_of_maps,
  MapType.devmap,
  MapType.sockmap,
  MapType.cpumap,
  MapType.xskmap,
  MapType.reuseport_sockarray,
]);

/**
 * Whether keys of a map of this type are indices of 32 bits.
 *
 * @example
 * ```ts
 * isIndexed(MapType.array); // true
 * ```
 */
export function isIndexed(type: number): boolean {
  return indexed.has(type);
}
