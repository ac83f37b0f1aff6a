import { BpfError } from '../errors';
import {
  Errno,
  failure,
  mapBatch,
  mapDelete,
  mapLookup,
  mapLookupAndDelete,
  mapUpdate,
  MapUpdate,
  type MapInfo,
} from '../kernel';
import { unsupported, walk, walkKeys, type RawChunk, type WalkedMap } from './walk';

/** Whether an update may write over an element, must, or must not. */
export type UpdateMode = 'any' | 'new' | 'existing';

const modes: Readonly<Record<UpdateMode, number>> = {
  any: MapUpdate.ANY,
  new: MapUpdate.NOEXIST,
  existing: MapUpdate.EXIST,
};

/** How an element is read. */
export interface LookupOptions {
  /**
   * Hold the `struct bpf_spin_lock` of the value meanwhile (BPF_F_LOCK, Linux 5.1): what programs write under that lock
   * is then seen whole. The lock's own bytes are read as zero.
   */
  readonly lock?: boolean | undefined;
}

/** How an element is written. */
export interface UpdateOptions extends LookupOptions {
  /** By default `any`. */
  readonly mode?: UpdateMode | undefined;
}

/** Elements per system call where many are written or removed. */
const batchLength = 4096;

export type Entry = [key: Uint8Array, value: Uint8Array];

/**
 * The elements of a map as bytes: what {@link BpfMap} is built on, and for who has bytes already.
 *
 * @example
 * ```ts
 * for (const [key, value] of map.raw.entries()) console.log(key, value);
 * ```
 */
export class RawMap {
  private readonly walked: WalkedMap;

  /**
   * @param valueSize bytes of an element as system calls have it: for per-CPU maps all CPUs together
   * @param fd asked each time, so that use after close is noticed
   */
  constructor(
    private readonly info: Pick<MapInfo, 'name' | 'type' | 'keySize' | 'maxEntries'>,
    readonly valueSize: number,
    private readonly fd: () => number,
  ) {
    const { type, keySize, maxEntries } = info;
    this.walked = { fd, type, keySize, valueSize, maxEntries };
  }

  /** A copy of the element, undefined if there is none. */
  lookup(key: Uint8Array, options: LookupOptions = {}): Uint8Array | undefined {
    this.checkKey(key);
    const value = new Uint8Array(this.valueSize);
    return this.named(() => (mapLookup(this.fd(), key, value, lockFlag(options)) ? value : undefined));
  }

  /** Whether a bloom filter may hold a value; it takes no key (Linux 5.16). */
  mayHold(value: Uint8Array): boolean {
    this.checkSize('value', value, this.valueSize);
    return this.named(() => mapLookup(this.fd(), noKey, value.slice()));
  }

  /** Write an element. */
  update(key: Uint8Array, value: Uint8Array, how: UpdateMode | UpdateOptions = {}): void {
    this.checkKey(key);
    this.checkSize('value', value, this.valueSize);
    this.named(() => mapUpdate(this.fd(), key, value, updateFlags(how)));
  }

  /** Remove an element; false if there was none. */
  delete(key: Uint8Array): boolean {
    this.checkKey(key);
    return this.named(() => mapDelete(this.fd(), key));
  }

  /** Remove an element and return it (hash maps since Linux 5.14; queues and stacks with an empty key). */
  lookupAndDelete(key: Uint8Array, options: LookupOptions = {}): Uint8Array | undefined {
    this.checkKey(key);
    const value = new Uint8Array(this.valueSize);
    return this.named(() =>
      mapLookupAndDelete(this.fd(), key, value, lockFlag(options)) ? value : undefined,
    );
  }

  /**
   * Every element, in chunks of some thousands: the way through a large map in bounded memory. An element that is in
   * the map during the whole walk comes exactly once, whatever is deleted or added meanwhile.
   *
   * The bytes of a chunk are used again for the next one.
   *
   * @example
   * ```ts
   * let count = 0;
   * for (const chunk of map.raw.chunks()) count += chunk.count;
   * ```
   */
  *chunks(): Generator<RawChunk> {
    const elements = walk(this.walked);
    for (;;) {
      const { done, value } = this.named(() => elements.next());
      if (done === true) return;
      yield value;
    }
  }

  /** Every key: see {@link chunks}. */
  *keys(): Generator<Uint8Array> {
    const keys = walkKeys(this.walked);
    for (;;) {
      const { done, value } = this.named(() => keys.next());
      if (done === true) return;
      yield value;
    }
  }

  /** Every key with its value, copied: see {@link chunks}. */
  *entries(): Generator<Entry> {
    for (const chunk of this.chunks()) yield* this.copies(chunk);
  }

  /**
   * Write many elements, thousands with each system call where the kernel can (Linux 5.6), else one by one.
   *
   * @returns how many were written
   * @throws BpfError SYSCALL_FAILED at the first that is refused; those before it are written
   */
  updateBatch(entries: Iterable<Entry>, how: UpdateMode | UpdateOptions = {}): number {
    const flags = updateFlags(how);
    // The kernel takes no other flag than BPF_F_LOCK in a batch.
    const inBatches = (flags & ~MapUpdate.LOCK) === 0;
    let written = 0;
    for (const part of parts(entries)) {
      for (const [key, value] of part) {
        this.checkKey(key);
        this.checkSize('value', value, this.valueSize);
      }
      if (!inBatches || !this.updatePart(part, flags))
        for (const [key, value] of part) this.update(key, value, how);
      written += part.length;
    }
    return written;
  }

  /**
   * Remove many elements: see {@link updateBatch}.
   *
   * @returns how many of them there were
   */
  deleteBatch(keys: Iterable<Uint8Array>): number {
    let deleted = 0;
    for (const part of parts(keys)) {
      part.forEach((key) => this.checkKey(key));
      deleted += this.deletePart(part) ?? part.filter((key) => this.delete(key)).length;
    }
    return deleted;
  }

  /**
   * Take every element out. Hash maps, in chunks where the kernel can (BPF_MAP_LOOKUP_AND_DELETE_BATCH, Linux 5.6):
   * then a chunk is out of the map before its first element is given, so that who leaves the loop loses what is left of
   * it. Else they are taken one by one, up to 256 before the first is given.
   *
   * @throws BpfError SYSCALL_FAILED for types whose elements cannot be removed
   */
  *takeAll(): Generator<Entry> {
    const taking = walk(this.walked, 'BPF_MAP_LOOKUP_AND_DELETE_BATCH');
    for (;;) {
      const { done, value } = this.named(() => taking.next());
      if (done === true) return;
      yield* this.copies(value);
    }
  }

  private *copies({ count, keys, values }: RawChunk): Generator<Entry> {
    const { keySize } = this.info;
    const { valueSize } = this;
    for (let i = 0; i < count; i++) {
      yield [keys.slice(i * keySize, (i + 1) * keySize), values.slice(i * valueSize, (i + 1) * valueSize)];
    }
  }

  /** @returns false where the kernel has no batches */
  private updatePart(part: readonly Entry[], flags: number): boolean {
    const keys = joined(part.map(([key]) => key));
    const values = joined(part.map(([, value]) => value));
    const { count, error } = mapBatch('BPF_MAP_UPDATE_BATCH', this.fd(), {
      keys,
      values,
      count: part.length,
      flags,
    });
    if (error === 0) return true;
    if (count === 0 && unsupported(error)) return false;
    this.named(() => {
      throw failure(`element ${count} of BPF_MAP_UPDATE_BATCH`, error);
    });
    return true;
  }

  /** @returns undefined where the kernel has no batches */
  private deletePart(part: readonly Uint8Array[]): number | undefined {
    let deleted = 0;
    for (let at = 0; at < part.length;) {
      const rest = part.slice(at);
      const batch = { keys: joined(rest), values: noKey, count: rest.length };
      const { count, error } = mapBatch('BPF_MAP_DELETE_BATCH', this.fd(), batch);
      if (error === 0) return deleted + rest.length;
      if (at === 0 && count === 0 && unsupported(error)) return undefined;
      if (error !== -Errno.ENOENT)
        this.named(() => {
          throw failure('BPF_MAP_DELETE_BATCH', error);
        });
      // It stops at a key that is not there: go on behind it.
      deleted += count;
      at += count + 1;
    }
    return deleted;
  }

  private checkKey(key: Uint8Array): void {
    this.checkSize('key', key, this.info.keySize);
  }

  /** The kernel would read beyond bytes that are too short. */
  private checkSize(what: string, bytes: Uint8Array, size: number): void {
    if (bytes.length === size) return;
    throw new BpfError('CONSTANT_INVALID', `map '${this.info.name}': ${what}`, {
      map: this.info.name,
      found: `${bytes.length} bytes`,
      expected: `${size}`,
    });
  }

  /** Errors of a system call know no names. */
  private named<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      const { errno } = error.fields;
      throw new BpfError(
        error.code,
        `map '${this.info.name}': ${error.message}`,
        { map: this.info.name, errno, hint: errno === undefined ? undefined : this.hint(errno) },
        error,
      );
    }
  }

  private hint(errno: string): string | undefined {
    switch (errno) {
      case 'E2BIG':
        return `it has room for ${this.info.maxEntries} elements (max_entries)`;
      case 'EEXIST':
        return 'there is an element with this key already';
      case 'ENOENT':
        return 'there is no element with this key';
      case 'EPERM':
        return 'it is frozen or read-only for user space';
      default:
        return undefined;
    }
  }
}

const noKey = new Uint8Array(0);

function lockFlag({ lock }: LookupOptions): number {
  return lock === true ? MapUpdate.LOCK : 0;
}

function updateFlags(how: UpdateMode | UpdateOptions): number {
  if (typeof how === 'string') return modes[how];
  return modes[how.mode ?? 'any'] | lockFlag(how);
}

/** Lists of a limited length, so that a batch takes bounded memory however many there are. */
function* parts<T>(all: Iterable<T>): Generator<readonly T[]> {
  let part: T[] = [];
  for (const one of all) {
    part.push(one);
    if (part.length < batchLength) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces);
}
