import { BpfError } from '../errors';
import {
  mapDelete,
  mapLookup,
  mapLookupAndDelete,
  mapNextKey,
  mapUpdate,
  MapUpdate,
  type MapInfo,
} from '../kernel';
import { batchWalk, type Entry } from './batch-walk';

/** Whether an update may write over an element, must, or must not. */
export type UpdateMode = 'any' | 'new' | 'existing';

const modes: Readonly<Record<UpdateMode, number>> = {
  any: MapUpdate.ANY,
  new: MapUpdate.NOEXIST,
  existing: MapUpdate.EXIST,
};

/**
 * The elements of a map as bytes: what {@link BpfMap} is built on, and for who has bytes already.
 *
 * @example
 * ```ts
 * for (const [key, value] of map.raw.entries()) console.log(key, value);
 * ```
 */
export class RawMap {
  /**
   * @param valueSize bytes of an element as system calls have it: for per-CPU maps all CPUs together
   * @param fd asked each time, so that use after close is noticed
   */
  constructor(
    private readonly info: Pick<MapInfo, 'name' | 'keySize' | 'maxEntries'>,
    private readonly valueSize: number,
    private readonly fd: () => number,
  ) {}

  /** A copy of the element, undefined if there is none. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    this.checkKey(key);
    const value = new Uint8Array(this.valueSize);
    return this.named(() => (mapLookup(this.fd(), key, value) ? value : undefined));
  }

  /** Write an element. */
  update(key: Uint8Array, value: Uint8Array, mode: UpdateMode = 'any'): void {
    this.checkKey(key);
    this.checkSize('value', value, this.valueSize);
    this.named(() => mapUpdate(this.fd(), key, value, modes[mode]));
  }

  /** Remove an element; false if there was none. */
  delete(key: Uint8Array): boolean {
    this.checkKey(key);
    return this.named(() => mapDelete(this.fd(), key));
  }

  /** Remove an element and return it (hash maps since Linux 5.14; queues and stacks with an empty key). */
  take(key: Uint8Array): Uint8Array | undefined {
    this.checkKey(key);
    const value = new Uint8Array(this.valueSize);
    return this.named(() => (mapLookupAndDelete(this.fd(), key, value) ? value : undefined));
  }

  /**
   * Every key. In a hash map that changes meanwhile, a key can come twice or be missed; the walk ends all the same,
   * after as many keys as the map has room for.
   */
  *keys(): Generator<Uint8Array> {
    let previous: Uint8Array | undefined;
    for (let count = 0; count < this.info.maxEntries; count++) {
      const next = new Uint8Array(this.info.keySize);
      if (!this.named(() => mapNextKey(this.fd(), previous, next))) return;
      yield next;
      previous = next;
    }
  }

  /**
   * Every key with its value, many at once where the kernel can. Of elements that come or go during the walk some are
   * seen and some are not.
   */
  *entries(): Generator<Entry> {
    const { keySize, maxEntries } = this.info;
    const map = { fd: this.fd, keySize, valueSize: this.valueSize, maxEntries };
    const batches = this.named(() => batchWalk(map));
    if (batches !== undefined) return yield* batches;
    for (const key of this.keys()) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
    }
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
