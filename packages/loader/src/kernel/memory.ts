import { BpfError } from '../errors';
import { lastErrno, native } from './native';
import { failure, succeeded } from './failure';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
/** Linux 4.17; older kernels take the address for a hint. */
const MAP_FIXED_NOREPLACE = 0x100000;

/** Memory shared with the kernel. */
export class MappedMemory {
  private view: Uint8Array | undefined;

  constructor(
    private readonly address: bigint,
    readonly length: number,
    view: Uint8Array,
  ) {
    this.view = view;
  }

  /** The mapping. Touching it after {@link unmap} would end the process, so keep no reference beyond that. */
  get bytes(): Uint8Array {
    if (this.view === undefined) throw new BpfError('INTERNAL', 'mapped memory used after unmap');
    return this.view;
  }

  unmap(): void {
    if (this.view === undefined) return;
    this.view = undefined;
    succeeded(native().munmap(this.address, this.length) < 0 ? -lastErrno() : 0, 'munmap');
  }
}

/**
 * mmap(2) of an fd: a BPF map with BPF_F_MMAPABLE, a ring buffer's pages, a perf event's, or a file.
 *
 * @param options writable: also for writing; private: changes stay this process's; offset: bytes, whole pages;
 *   address: where to map it, nothing else may be there
 * @throws BpfError SYSCALL_FAILED; EPERM for a frozen map when writable, EINVAL for a map that can't be mapped
 *
 * @example
 * ```ts
 * const memory = mapMemory(mapFd, 4096, { writable: true });
 * memory.bytes[0] = 1;
 * memory.unmap();
 * ```
 */
export function mapMemory(
  fd: number,
  length: number,
  options: { writable?: boolean; private?: boolean; offset?: number; address?: bigint } = {},
): MappedMemory {
  const { mmap, koffi } = native();
  const protection = PROT_READ | (options.writable ? PROT_WRITE : 0);
  const sharing = options.private ? MAP_PRIVATE : MAP_SHARED;
  const flags = options.address === undefined ? sharing : sharing | MAP_FIXED_NOREPLACE;
  const address = BigInt(mmap(options.address ?? null, length, protection, flags, fd, options.offset ?? 0));
  if (address === -1n) throw failure(`mmap of ${length} bytes`, lastErrno());
  return new MappedMemory(address, length, new Uint8Array(koffi.view(address, length)));
}
