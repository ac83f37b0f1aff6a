import {
  errnoName,
  Errno,
  failure,
  Fd,
  type LayoutInput,
  type MAP_CREATE,
  mapCreate,
  type Capability,
  withToken,
} from '../kernel';
import { type BpfError } from '../errors';
import { mapTypeName, type MapSpec } from '../object';
import { createStructOps } from './create-struct-ops';
import { networkMaps, withoutBtf } from './map-rules';
import { mayBeTooOld, olderMap } from './older-kernels';

/** BPF_F_NUMA_NODE: `numa_node` counts. */
const numaNodeFlag = 1 << 2;

/** What BPF_MAP_CREATE needs beside the definition. */
export interface CreateContext {
  /** fd of the object's BTF; undefined if it has none or the kernel refused it. */
  readonly btf: number | undefined;
  readonly note: (text: string) => void;
  /** fd of a BPF token. */
  readonly token?: number | undefined;
}

/**
 * BPF_MAP_CREATE of a definition whose size is definite. For a map of maps a template is created first and let go
 * again. A map that the kernel refuses with BTF types is tried once more without them.
 *
 * @throws BpfError MAP_CREATE_FAILED, PRIVILEGE_MISSING
 */
export function createMap(spec: MapSpec, context: CreateContext): Fd {
  if (spec.structOps !== undefined) return createStructOps(spec, context);
  const inner = spec.inner === undefined ? undefined : createMap(spec.inner, context);
  try {
    return new Fd(createWithTemplate(spec, inner?.number, context), `map '${spec.name}'`);
  } finally {
    inner?.close();
  }
}

function createWithTemplate(
  spec: MapSpec,
  inner: number | undefined,
  { btf, note, token }: CreateContext,
): number {
  const { plain, types } = mapAttributes(spec, { inner, btf, token });
  const first = create({ ...plain, ...types });
  if (first >= 0) return first;
  if (types !== undefined && first !== -Errno.EPERM) {
    const second = create(plain);
    if (second >= 0) {
      note(
        `map '${spec.name}' has no types in the kernel: created with them it fails with ${errnoName(-first)}`,
      );
      return second;
    }
  }
  throw createFailed(spec, first);
}

/** Attributes of BPF_MAP_CREATE, and those that say the types of key and value where the kernel takes any. */
export function mapAttributes(
  spec: MapSpec,
  { inner, btf, token }: Pick<CreateContext, 'btf' | 'token'> & { readonly inner?: number | undefined },
) {
  const plain = {
    map_type: spec.type,
    key_size: spec.keySize,
    value_size: spec.valueSize,
    max_entries: spec.maxEntries,
    map_flags: withToken(spec.numaNode === undefined ? spec.flags : spec.flags | numaNodeFlag, token),
    map_token_fd: token,
    numa_node: spec.numaNode,
    map_extra: spec.mapExtra,
    map_name: spec.kernelName,
    inner_map_fd: inner,
  };
  const types =
    btf === undefined || withoutBtf.has(spec.type) || (spec.keyTypeId === 0 && spec.valueTypeId === 0)
      ? undefined
      : { btf_fd: btf, btf_key_type_id: spec.keyTypeId, btf_value_type_id: spec.valueTypeId };
  return { plain, types };
}

/** BPF_MAP_CREATE, once more without what this kernel does not know. */
function create(attributes: LayoutInput<typeof MAP_CREATE>): number {
  const result = mapCreate(attributes);
  const older = mayBeTooOld(result) ? olderMap(attributes) : undefined;
  return older === undefined ? result : mapCreate(older);
}

function createFailed(spec: MapSpec, errno: number): BpfError {
  const needs: Capability[] = networkMaps.has(spec.type) ? ['CAP_BPF', 'CAP_NET_ADMIN'] : ['CAP_BPF'];
  const shape = `${mapTypeName(spec.type)}, key ${spec.keySize} and value ${spec.valueSize} bytes, ${spec.maxEntries} entries, flags 0x${spec.flags.toString(16)}`;
  return failure(`map '${spec.name}' (${shape}): BPF_MAP_CREATE`, errno, {
    code: 'MAP_CREATE_FAILED',
    map: spec.name,
    section: spec.section,
    needs,
    hint: likelyCause(spec, -errno),
  });
}

const HASH_LIKE = new Set(['hash', 'percpu_hash', 'lru_hash', 'lru_percpu_hash', 'hash_of_maps']);
const BPF_F_NO_PREALLOC = 1;

/** What the kernel most likely means, from the checks of each map type (kernel/bpf/*map.c). */
function likelyCause(spec: MapSpec, errno: number): string | undefined {
  const type = mapTypeName(spec.type);
  if (errno === Errno.E2BIG)
    return 'the map is bigger than the kernel allows: lower max_entries or the value size';
  if (errno === Errno.ENOMEM)
    return 'not enough memory, for this machine or for the cgroup that it is charged to';
  if (errno !== Errno.EINVAL) return undefined;
  if (type.includes('array') && spec.keySize !== 4) return 'the key of an array is 4 bytes';
  if (type.endsWith('_of_maps') && spec.inner === undefined) {
    return 'a map of maps needs a template: __array(values, struct { ... })';
  }
  if (type === 'lpm_trie' && (spec.flags & BPF_F_NO_PREALLOC) === 0) {
    return 'an lpm_trie needs map_flags BPF_F_NO_PREALLOC';
  }
  if (type.includes('storage') && !type.includes('cgroup_') && (spec.flags & BPF_F_NO_PREALLOC) === 0) {
    return 'local storage needs map_flags BPF_F_NO_PREALLOC';
  }
  if (HASH_LIKE.has(type) && (spec.keySize === 0 || spec.valueSize === 0)) return 'key and value need a size';
  if (type === 'ringbuf' && (spec.keySize !== 0 || spec.valueSize !== 0)) {
    return 'a ring buffer has neither key nor value';
  }
  return `the running kernel does not know this type, or not with these sizes and flags`;
}
