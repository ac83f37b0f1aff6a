import { BtfBuilder, IntEncoding } from '../../btf';
import { MapType } from '../../object';
import { pageSize } from '../page-size';
import { Errno } from '../errno';
import { mapCreate } from '../maps';
import { btfLoad } from '../objects';
import { verdictOf, withFd } from './feature';

type Attributes = Parameters<typeof mapCreate>[0];

const NO_PREALLOC = 1 << 0;
const MMAPABLE = 1 << 10;

/** A local storage: its key is an int by BTF, and it has no size of its own. */
const storage: Attributes = { key_size: 4, value_size: 4, max_entries: 0, map_flags: NO_PREALLOC };

/** The smallest map of each type that is not content with four bytes of key and of value (uapi linux/bpf.h). */
const attributes: Readonly<Record<number, Attributes>> = {
  [MapType.stack_trace]: { key_size: 4, value_size: 8, max_entries: 1 },
  [MapType.lpm_trie]: { key_size: 8, value_size: 4, max_entries: 1, map_flags: NO_PREALLOC },
  // struct bpf_cgroup_storage_key
  [MapType.cgroup_storage]: { key_size: 16, value_size: 8, max_entries: 0 },
  [MapType.percpu_cgroup_storage]: { key_size: 16, value_size: 8, max_entries: 0 },
  [MapType.queue]: { key_size: 0, value_size: 4, max_entries: 1 },
  [MapType.stack]: { key_size: 0, value_size: 4, max_entries: 1 },
  [MapType.bloom_filter]: { key_size: 0, value_size: 4, max_entries: 1 },
  [MapType.ringbuf]: { key_size: 0, value_size: 0, max_entries: pageSize() },
  [MapType.user_ringbuf]: { key_size: 0, value_size: 0, max_entries: pageSize() },
  [MapType.arena]: { key_size: 0, value_size: 0, max_entries: 1, map_flags: MMAPABLE },
  // struct bpf_insn_array_value
  [MapType.insn_array]: { key_size: 4, value_size: 16, max_entries: 1 },
  [MapType.rhash]: { key_size: 4, value_size: 4, max_entries: 1, map_flags: NO_PREALLOC },
  [MapType.struct_ops]: { key_size: 4, value_size: 0, max_entries: 1, btf_vmlinux_value_type_id: 1 },
};

const storages: readonly number[] = [
  MapType.sk_storage,
  MapType.inode_storage,
  MapType.task_storage,
  MapType.cgrp_storage,
];

/**
 * Whether the running kernel makes maps of a type: the smallest one is tried.
 *
 * @returns undefined when the answer says nothing, for want of a capability or of memory
 *
 * @example
 * ```ts
 * hasMapType(MapType.hash); // true
 * ```
 */
export function hasMapType(type: number): boolean | undefined {
  if (storages.includes(type)) return withFd(intBtf(), (btf) => verdictOf(createStorage(type, btf)));
  if (type === MapType.array_of_maps || type === MapType.hash_of_maps) {
    return withFd(create(MapType.array), (inner) =>
      verdictOf(
        mapCreate({ map_type: type, key_size: 4, value_size: 4, max_entries: 1, inner_map_fd: inner }),
      ),
    );
  }
  const result = create(type);
  // A kernel that has struct_ops finds that type 1 is none.
  if (type === MapType.struct_ops && result === -Errno.ENOTSUPP) return true;
  return verdictOf(result);
}

function create(type: number): number {
  return mapCreate({
    map_type: type,
    ...(attributes[type] ?? { key_size: 4, value_size: 4, max_entries: 1 }),
  });
}

function createStorage(type: number, btf: number): number {
  return mapCreate({ map_type: type, ...storage, btf_fd: btf, btf_key_type_id: 1, btf_value_type_id: 1 });
}

function intBtf(): number {
  const builder = new BtfBuilder();
  builder.int('int', 4, IntEncoding.SIGNED);
  return btfLoad(builder.build());
}
