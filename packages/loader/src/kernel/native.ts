import type koffi from 'koffi';
import { BpfError } from '../errors';
import { loadKoffi } from './load-koffi';
import { syscallNumbers, type SyscallNumbers } from './syscall-numbers';

/** Memory handed to a system call: bytes, an address, or NULL. */
export type Pointer = Uint8Array | bigint | null;

interface BpfAt {
  (number: number, command: number, attributes: number, size: number): number;
  /** In a thread of libuv's pool; `lastErrno` does not tell what went wrong there. */
  async(
    number: number,
    command: number,
    attributes: number,
    size: number,
    done: (error: unknown, result: number) => void,
  ): void;
}

/**
 * The foreign functions of the loader, all declared with fixed prototypes: koffi calls those three times as fast as
 * variadic ones. Each returns what C returns; on -1 the cause is in {@link lastErrno}.
 */
export interface Native {
  readonly koffi: typeof koffi;
  readonly numbers: SyscallNumbers;
  /** syscall(2) with an int, a pointer and an unsigned: the shape of bpf(2). */
  bpf(number: number, command: number, attributes: Pointer, size: number): number;
  /** perf_event_open(2), which has no wrapper in libc. */
  perfEventOpen(
    number: number,
    attr: Pointer,
    pid: number,
    cpu: number,
    group: number,
    flags: number,
  ): number;
  /** renameat2(2): through syscall(2) since musl has no wrapper. */
  renameat2(number: number, fromFd: number, from: string, toFd: number, to: string, flags: number): number;
  /** bpf(2) with the address of its attributes, for callers that keep them in one place. */
  readonly bpfAt: BpfAt;
  /** A function of this process that need not be there, such as one of the libraries that Node is linked with. */
  symbol(
    name: string,
    result: string,
    parameters: string[],
  ): ((...values: readonly unknown[]) => unknown) | undefined;
  open(path: string, flags: number, mode: number): number;
  read(fd: number, buffer: Pointer, count: number): number;
  mkdir(path: string, mode: number): number;
  statx(fd: number, path: string, flags: number, mask: number, buffer: Pointer): number;
  close(fd: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  flock(fd: number, operation: number): number;
  ioctl(fd: number, request: number, argument: number): number;
  statfs(path: string, buffer: Pointer): number;
  mount(
    source: string | null,
    target: string,
    type: string | null,
    flags: number,
    data: string | null,
  ): number;
  umount2(target: string, flags: number): number;
  unshare(flags: number): number;
  setns(fd: number, type: number): number;
  if_nametoindex(name: string): number;
  setsockopt(fd: number, level: number, name: number, value: Pointer, length: number): number;
  mmap(
    address: Pointer,
    length: number,
    protection: number,
    flags: number,
    fd: number,
    offset: number,
  ): number | bigint;
  munmap(address: bigint, length: number): number;
}

let loaded: Native | undefined;

/**
 * libc as the loader calls it. koffi is loaded at the first call, some 7 ms, so that a command that never reaches
 * the kernel does not pay for it.
 *
 * @throws BpfError INTERNAL where koffi has no build for this platform, or bpf(2)'s number is not known for it
 */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  const numbers = syscallNumbers[process.arch];
  if (process.platform !== 'linux' || numbers === undefined) {
    throw new BpfError('INTERNAL', 'BPF programs cannot be loaded from here', {
      found: `${process.platform} on ${process.arch}`,
      expected: `linux on ${Object.keys(syscallNumbers).join(', ')}`,
    });
  }
  const library = loadKoffi();
  const libc = library.load(null);
  return {
    koffi: library,
    numbers,
    bpf: libc.func('syscall', 'long', ['long', 'int', 'void *', 'uint32_t']),
    perfEventOpen: libc.func('syscall', 'long', ['long', 'void *', 'int', 'int', 'int', 'unsigned long']),
    renameat2: libc.func('syscall', 'long', ['long', 'int', 'str', 'int', 'str', 'uint32_t']),
    bpfAt: libc.func('syscall', 'long', ['long', 'int', 'uintptr_t', 'uint32_t']) as BpfAt,
    symbol: (name, result, parameters) => {
      try {
        return libc.func(name, result, parameters) as (...values: readonly unknown[]) => unknown;
      } catch {
        return undefined;
      }
    },
    read: libc.func('read', 'long', ['int', 'void *', 'size_t']),
    mkdir: libc.func('mkdir', 'int', ['str', 'uint32_t']),
    statx: libc.func('statx', 'int', ['int', 'str', 'int', 'uint32_t', 'void *']),
    open: libc.func('open', 'int', ['str', 'int', 'uint32_t']),
    close: libc.func('close', 'int', ['int']),
    fcntl: libc.func('fcntl', 'int', ['int', 'int', 'long']),
    flock: libc.func('flock', 'int', ['int', 'int']),
    ioctl: libc.func('ioctl', 'int', ['int', 'unsigned long', 'long']),
    statfs: libc.func('statfs', 'int', ['str', 'void *']),
    mount: libc.func('mount', 'int', ['str', 'str', 'str', 'unsigned long', 'str']),
    umount2: libc.func('umount2', 'int', ['str', 'int']),
    unshare: libc.func('unshare', 'int', ['int']),
    setns: libc.func('setns', 'int', ['int', 'int']),
    setsockopt: libc.func('setsockopt', 'int', ['int', 'int', 'int', 'void *', 'uint32_t']),
    if_nametoindex: libc.func('if_nametoindex', 'uint32_t', ['str']),
    // As intptr_t, MAP_FAILED is -1; as a pointer it would be 2^64 - 1 and never compare equal to null.
    mmap: libc.func('mmap', 'intptr_t', ['void *', 'size_t', 'int', 'int', 'int', 'int64_t']),
    munmap: libc.func('munmap', 'int', ['void *', 'size_t']),
  };
}

/** The cause of the -1 that the last foreign call returned. Stale after a success: ask only after a failure. */
export function lastErrno(): number {
  return native().koffi.errno();
}

/** Where bytes are in memory. They must stay referenced for as long as the kernel may use the address. */
export function addressOf(bytes: Uint8Array): bigint {
  return native().koffi.address(bytes);
}
