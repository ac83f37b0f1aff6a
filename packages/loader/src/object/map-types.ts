import { namesOf } from './numbered-names';

const names = [
  'unspec',
  'hash',
  'array',
  'prog_array',
  'perf_event_array',
  'percpu_hash',
  'percpu_array',
  'stack_trace',
  'cgroup_array',
  'lru_hash',
  'lru_percpu_hash',
  'lpm_trie',
  'array_of_maps',
  'hash_of_maps',
  'devmap',
  'sockmap',
  'cpumap',
  'xskmap',
  'sockhash',
  'cgroup_storage',
  'reuseport_sockarray',
  'percpu_cgroup_storage',
  'queue',
  'stack',
  'sk_storage',
  'devmap_hash',
  'struct_ops',
  'ringbuf',
  'inode_storage',
  'task_storage',
  'bloom_filter',
  'user_ringbuf',
  'cgrp_storage',
  'arena',
  'insn_array',
  'rhash',
] as const;

/** Name of a map type as we show and read it: `hash`, `lpm_trie`. */
export type MapTypeName = (typeof names)[number];

/**
 * Map types by number and name. Source: `enum bpf_map_type` of uapi/linux/bpf.h, up to what libbpf 1.8 knows;
 * names as bpftool prints them. A type that is newer has no name here, and works all the same.
 */
export const mapTypes = namesOf(names);

/** `enum bpf_map_type` by name: `MapType.ringbuf`. */
export const MapType = mapTypes.numbers;

/**
 * `hash` for 1; `type 99` for a number without a name.
 *
 * @example
 * ```ts
 * mapTypeName(1); // 'hash'
 * mapTypeName(9999); // 'type 9999'
 * ```
 */
export function mapTypeName(type: number): string {
  return mapTypes.name(type) ?? `type ${type}`;
}
