import { MapType } from '../object';

/** What the types of maps differ in for a loader, as sets of `enum bpf_map_type`. */

/**
 * Types whose creation fails when BTF ids are given: they have no `map_check_btf`, or one that refuses
 * (kernel/bpf/*map*.c).
 */
export const withoutBtf: ReadonlySet<number> = new Set([
  MapType.perf_event_array,
  MapType.cgroup_array,
  MapType.stack_trace,
  MapType.array_of_maps,
  MapType.hash_of_maps,
  MapType.devmap,
  MapType.devmap_hash,
  MapType.cpumap,
  MapType.xskmap,
  MapType.sockmap,
  MapType.sockhash,
  MapType.queue,
  MapType.stack,
  MapType.arena,
]);

/** Types that grow with what they are attached to: the kernel wants max_entries to be 0. */
export const withoutMaxEntries: ReadonlySet<number> = new Set([
  MapType.cgroup_storage,
  MapType.percpu_cgroup_storage,
  MapType.sk_storage,
  MapType.inode_storage,
  MapType.task_storage,
  MapType.cgrp_storage,
]);

/** Types with one slot for each possible CPU, unless the source says otherwise. */
export const sizedByCpus: ReadonlySet<number> = new Set([MapType.perf_event_array, MapType.cpumap]);

/** Types whose max_entries is a size in bytes: whole pages, and a power of two of them. */
export const ringBuffers: ReadonlySet<number> = new Set([MapType.ringbuf, MapType.user_ringbuf]);

/** Types on which the kernel itself sets BPF_F_RDONLY_PROG: since 0cdbb4b09a06 (Linux 5.3) programs may look devices up. */
export const readOnlyForPrograms: ReadonlySet<number> = new Set([MapType.devmap, MapType.devmap_hash]);

/** Types that the network stack owns: CAP_NET_ADMIN beside CAP_BPF (map_create() in kernel/bpf/syscall.c). */
export const networkMaps: ReadonlySet<number> = new Set([
  MapType.devmap,
  MapType.devmap_hash,
  MapType.cpumap,
  MapType.xskmap,
  MapType.sockmap,
  MapType.sockhash,
]);
