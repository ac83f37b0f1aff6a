import { Fd, failure, mapCreate, mapFreeze, mapInfo, mapLookup, mapUpdate } from '@nx-bpf/loader';

const BPF_MAP_TYPE_ARRAY = 2;
/** Programs may only read it; together with freezing nobody can change it any more. */
const BPF_F_RDONLY_PROG = 1 << 7;
const firstKey = new Uint8Array(4);

/** BTF of a map's value, so that tools print it by name. */
export interface ValueType {
  readonly btf: Fd;
  readonly typeId: number;
}

/**
 * A map of one value that is written once and then frozen: what we record in the kernel about what we put there.
 *
 * @throws BpfError MAP_CREATE_FAILED, PRIVILEGE_MISSING
 */
export function createFrozenMap(name: string, value: Uint8Array, type?: ValueType): Fd {
  const result = mapCreate({
    map_type: BPF_MAP_TYPE_ARRAY,
    key_size: firstKey.length,
    value_size: value.length,
    max_entries: 1,
    map_flags: BPF_F_RDONLY_PROG,
    map_name: name,
    ...(type && { btf_fd: type.btf.number, btf_value_type_id: type.typeId }),
  });
  if (result < 0)
    throw failure(`map '${name}': BPF_MAP_CREATE`, result, {
      code: 'MAP_CREATE_FAILED',
      map: name,
      needs: ['CAP_BPF'],
    });
  const fd = new Fd(result, `map ${name}`);
  try {
    mapUpdate(fd.number, firstKey, value);
    mapFreeze(fd.number);
  } catch (error) {
    fd.close();
    throw error;
  }
  return fd;
}

/** The value of a map made by {@link createFrozenMap}; empty if the map is of another kind. */
export function readFrozenMap(fd: number): Uint8Array {
  const info = mapInfo(fd);
  if (info.type !== BPF_MAP_TYPE_ARRAY || info.maxEntries !== 1) return new Uint8Array(0);
  const value = new Uint8Array(info.valueSize);
  return mapLookup(fd, firstKey, value) ? value : new Uint8Array(0);
}
