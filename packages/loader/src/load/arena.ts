import { BpfError } from '../errors';
import { type Fd, features, hasFeature, mapMemory, type MappedMemory, pageSize } from '../kernel';
import { type MapSpec } from '../object';

/** `BPF_F_SEGV_ON_FAULT` of uapi/linux/bpf.h: touching a page that no program allocated is a SIGSEGV. */
const BPF_F_SEGV_ON_FAULT = 1 << 17;

/**
 * Where in an arena its variables begin, in bytes: at the end, so that an address of 0 stays invalid, or at the start
 * on kernels that bound the offset in an instruction.
 *
 * @throws BpfError MAP_INVALID when they do not fit
 */
export function arenaDataOffset(spec: MapSpec): number {
  if (spec.data === undefined) return 0;
  const page = pageSize();
  const size = spec.maxEntries * page;
  if (spec.data.length > size)
    throw new BpfError('MAP_INVALID', `arena '${spec.name}'`, {
      map: spec.name,
      found: `${spec.data.length} bytes of variables`,
      expected: `at most ${size}: max_entries is ${spec.maxEntries} pages`,
      hint: 'raise max_entries',
    });
  if (hasFeature(features.fullRangeOffset) !== true) return 0;
  return size - Math.ceil(spec.data.length / page) * page;
}

/**
 * Map a new arena into this process, at the address that its definition asks for, and put its variables in. The kernel
 * wants this before it verifies a program: pointers into an arena are user space's addresses.
 *
 * @throws BpfError MAP_INVALID, MAP_CREATE_FAILED when the address is taken
 */
export function mapArena(spec: MapSpec, fd: Fd): MappedMemory {
  if (spec.data !== undefined && (spec.flags & BPF_F_SEGV_ON_FAULT) !== 0)
    throw new BpfError('MAP_INVALID', `arena '${spec.name}'`, {
      map: spec.name,
      found: 'BPF_F_SEGV_ON_FAULT together with __arena variables',
      hint: 'leave the flag out: variables could not be written from here',
    });
  const offset = arenaDataOffset(spec);
  const address = spec.mapExtra === 0n ? undefined : spec.mapExtra;
  const memory = mapped(spec, fd, address);
  if (spec.data !== undefined) memory.bytes.set(spec.data, offset);
  return memory;
}

function mapped(spec: MapSpec, fd: Fd, address: bigint | undefined): MappedMemory {
  try {
    const where = address === undefined ? {} : { address };
    return mapMemory(fd.number, spec.maxEntries * pageSize(), { writable: true, ...where });
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    throw new BpfError(
      'MAP_CREATE_FAILED',
      `arena '${spec.name}' cannot be mapped: ${error.message}`,
      {
        map: spec.name,
        errno: error.fields.errno,
        hint:
          address === undefined
            ? undefined
            : `map_extra asks for address 0x${address.toString(16)}: choose one that is free, in whole pages`,
      },
      error,
    );
  }
}
