import { MAP_INFO } from './info-layouts';
import { decode, layoutSize } from './layout';
import { requireInfo } from './info';

/** What the kernel says about a map. */
export interface MapInfo {
  readonly id: number;
  /** `enum bpf_map_type`. */
  readonly type: number;
  /** At most 15 bytes. */
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly ifindex: number;
  /** Id of its BTF object, 0 without; key and value types in it. */
  readonly btfId: number;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** Type of a struct_ops in the kernel's BTF. */
  readonly vmlinuxValueTypeId: number;
}

/**
 * What the kernel says about the map behind an fd.
 *
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * mapInfo(mapFd).maxEntries; // 1024
 * ```
 */
export function mapInfo(fd: number): MapInfo {
  const bytes = new Uint8Array(layoutSize(MAP_INFO));
  requireInfo(fd, bytes);
  const info = decode(MAP_INFO, bytes);
  return {
    id: info.id,
    type: info.type,
    name: info.name,
    keySize: info.key_size,
    valueSize: info.value_size,
    maxEntries: info.max_entries,
    flags: info.map_flags,
    mapExtra: info.map_extra,
    ifindex: info.ifindex,
    btfId: info.btf_id,
    keyTypeId: info.btf_key_type_id,
    valueTypeId: info.btf_value_type_id,
    vmlinuxValueTypeId: info.btf_vmlinux_value_type_id,
  };
}
