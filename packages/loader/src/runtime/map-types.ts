import { MapType } from '../object';

/** Maps whose elements have a value for each possible CPU. */
const perCpuTypes: readonly number[] = [
  MapType.percpu_hash,
  MapType.percpu_array,
  MapType.lru_percpu_hash,
  MapType.percpu_cgroup_storage,
];

export function isPerCpu(type: number): boolean {
  return perCpuTypes.includes(type);
}
