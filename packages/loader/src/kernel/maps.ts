import { MAP_BATCH, MAP_CREATE, MAP_ELEMENT } from './attributes';
import { bpf, bpfCall } from './bpf';
import { type CommandName } from './commands';
import { Errno } from './errno';
import { failure, succeeded } from './failure';
import { layoutSize, type Encoded, type LayoutInput } from './layout';
import { addressOf } from './native';

/** Flags of BPF_MAP_UPDATE_ELEM and the lookups: `BPF_ANY`, `BPF_NOEXIST`, `BPF_EXIST`, `BPF_F_LOCK`. */
export const MapUpdate = { ANY: 0, NOEXIST: 1, EXIST: 2, LOCK: 4 } as const;

/**
 * BPF_MAP_CREATE. Returns the fd, or the negative error number: whoever creates a map knows why it may fail.
 *
 * @example
 * ```ts
 * const fd = mapCreate({ map_type: MapType.array, key_size: 4, value_size: 8, max_entries: 16 });
 * if (fd < 0) throw failure('BPF_MAP_CREATE', fd, { code: 'MAP_CREATE_FAILED', map: 'slots' });
 * closeFd(fd);
 * ```
 */
export function mapCreate(attributes: LayoutInput<typeof MAP_CREATE>): number {
  return bpfCall('BPF_MAP_CREATE', MAP_CREATE, attributes).result;
}

/**
 * Read an element into `value`, which is as long as the kernel's: for per-CPU maps the value size rounded up to 8,
 * times the possible CPUs.
 *
 * @returns false when there is none
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * const key = Uint8Array.of(7, 0, 0, 0);
 * const value = new Uint8Array(8);
 * if (mapLookup(mapFd, key, value)) console.log(new DataView(value.buffer).getBigUint64(0, true));
 * ```
 */
export function mapLookup(
  fd: number,
  key: Uint8Array,
  value: Uint8Array,
  flags: number | bigint = 0,
): boolean {
  return found('BPF_MAP_LOOKUP_ELEM', element('BPF_MAP_LOOKUP_ELEM', fd, key, value, flags));
}

/**
 * Read an element and remove it in one step; queues and stacks take an empty key.
 *
 * @returns false when there is none
 */
export function mapLookupAndDelete(fd: number, key: Uint8Array, value: Uint8Array, flags = 0): boolean {
  const command = 'BPF_MAP_LOOKUP_AND_DELETE_ELEM';
  return found(command, element(command, fd, key, value, flags));
}

/**
 * Write an element. Queues, stacks and bloom filters take an empty key.
 *
 * @example
 * ```ts
 * const key = Uint8Array.of(7, 0, 0, 0);
 * mapUpdate(mapFd, key, new Uint8Array(8));
 * mapLookup(mapFd, key, new Uint8Array(8)); // true
 * ```
 */
export function mapUpdate(fd: number, key: Uint8Array, value: Uint8Array, flags: number | bigint = 0): void {
  const command = 'BPF_MAP_UPDATE_ELEM';
  succeeded(element(command, fd, key, value, flags), command);
}

/** Remove an element. Returns false when there was none. */
export function mapDelete(fd: number, key: Uint8Array): boolean {
  return found('BPF_MAP_DELETE_ELEM', element('BPF_MAP_DELETE_ELEM', fd, key, undefined, 0));
}

/**
 * Write the key that follows `key` into `next`; without a key, the first one. A key that is gone by now leads back to
 * the first one too: a walk over a changing hash map can see elements twice.
 *
 * @returns false after the last
 */
export function mapNextKey(fd: number, key: Uint8Array | undefined, next: Uint8Array): boolean {
  return found('BPF_MAP_GET_NEXT_KEY', element('BPF_MAP_GET_NEXT_KEY', fd, key, next, 0));
}

/**
 * BPF_MAP_FREEZE: from now on user space can't write the map.
 *
 * @example
 * ```ts
 * const fd = mapCreate({ map_type: MapType.array, key_size: 4, value_size: 8, max_entries: 1 });
 * mapFreeze(fd);
 * closeFd(fd);
 * ```
 */
export function mapFreeze(fd: number): void {
  succeeded(bpfCall('BPF_MAP_FREEZE', MAP_ELEMENT, { map_fd: fd }).result, 'BPF_MAP_FREEZE');
}

/** Many elements in one call: keys and values one after the other in `keys` and `values`. */
export interface MapBatch {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  /** How many elements the bytes have room for, or hold. */
  readonly count: number;
  /** Where to go on, as the last call left it in `out`; undefined at the start. At least 4 bytes and the key size. */
  readonly in?: Uint8Array | undefined;
  readonly out?: Uint8Array | undefined;
  readonly flags?: number | undefined;
}

export type BatchCommand =
  | 'BPF_MAP_LOOKUP_BATCH'
  | 'BPF_MAP_LOOKUP_AND_DELETE_BATCH'
  | 'BPF_MAP_UPDATE_BATCH'
  | 'BPF_MAP_DELETE_BATCH';

/**
 * One of the batch commands (Linux 5.6).
 *
 * @returns how many elements were done, and the negative error number that stopped it or 0: after lookups ENOENT
 *   means that the end of the map was reached, ENOSPC that a bucket did not fit in `count`
 */
export function mapBatch(
  command: BatchCommand,
  fd: number,
  batch: MapBatch,
): { count: number; error: number } {
  const { result, attributes: answer } = bpfCall(command, MAP_BATCH, {
    map_fd: fd,
    keys: batch.keys,
    values: batch.values,
    count: batch.count,
    in_batch: batch.in,
    out_batch: batch.out,
    elem_flags: batch.flags,
  });
  const { bytes } = answer;
  const done = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAP_BATCH.count[0], true);
  // A call that is refused before it starts leaves the count as it was given.
  const started = result === 0 || result === -Errno.ENOENT || result === -Errno.ENOSPC;
  return { count: started || done < batch.count ? done : 0, error: Math.min(result, 0) };
}

/** Attributes of the element commands, written anew for each call: a walk over a map makes thousands of them. */
const attributes = new Uint8Array(layoutSize(MAP_ELEMENT));
const fields = new DataView(attributes.buffer);
const request: Encoded = { bytes: attributes, references: [] };

function element(
  command: CommandName,
  fd: number,
  key: Uint8Array | undefined,
  value: Uint8Array | undefined,
  flags: number | bigint,
): number {
  fields.setUint32(MAP_ELEMENT.map_fd[0], fd, true);
  fields.setBigUint64(MAP_ELEMENT.key[0], addressOrNull(key), true);
  fields.setBigUint64(MAP_ELEMENT.value[0], addressOrNull(value), true);
  fields.setBigUint64(MAP_ELEMENT.flags[0], BigInt(flags), true);
  return bpf(command, request);
}

function addressOrNull(bytes: Uint8Array | undefined): bigint {
  return bytes === undefined || bytes.byteLength === 0 ? 0n : addressOf(bytes);
}

function found(command: CommandName, result: number): boolean {
  if (result >= 0) return true;
  if (result === -Errno.ENOENT) return false;
  throw failure(command, result);
}
