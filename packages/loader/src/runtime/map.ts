import { type Btf } from '../btf';
import {
  Fd,
  fdById,
  fdInfoLine,
  lookAtNew,
  mapFreeze,
  mapInfo,
  openPin,
  pinObject,
  possibleCpus,
  type MapInfo,
} from '../kernel';
import { preparePin } from '../load';
import { decodeBytes } from './codec';
import { heldBy, withHandle } from './handle-value';
import { mapBtf } from './map-btf';
import { mapCodecs, type CodedMap, type MapCodecs } from './map-codecs';
import { isPerCpu } from './map-types';
import { RawMap, type Entry, type LookupOptions, type UpdateMode, type UpdateOptions } from './raw-map';

/** What is known of a map besides what the kernel tells of it. */
export interface MapIdentity {
  /** Its full name; the kernel keeps 15 bytes of it. */
  readonly name?: string | undefined;
  /** The object's types, which its key and value ids refer to. By default they are asked from the kernel. */
  readonly btf?: Btf | undefined;
  /** Types of keys and values in it. By default those that the kernel was told, which for some types is none. */
  readonly keyTypeId?: number | undefined;
  readonly valueTypeId?: number | undefined;
}

/**
 * A map in the kernel. It lives as long as an fd, a pin or a program holds it.
 *
 * Keys and values are JavaScript values of the C types that the map was defined with (`__type(key, ...)`): numbers,
 * bigints where a number would lose digits, objects for structs, text for `char[]`, names for enums. Without BTF they
 * are Uint8Array, and {@link raw} gives them as such always. Values of per-CPU maps are lists, one for each possible
 * CPU. Keys of an LPM trie can be given as networks (`10.0.0.0/8`).
 *
 * @typeParam K of keys, V of values: asserted by the caller, not checked
 *
 * @example
 * ```ts
 * const hits = BpfMap.open<number, { packets: number }>('/sys/fs/bpf/hits');
 * hits.update(7, { packets: 1 });
 * hits.lookup(7); // { packets: 1 }
 * for (const [key, value] of hits.entries()) console.log(key, value);
 * hits.close();
 * ```
 */
export class BpfMap<K = unknown, V = unknown> implements Disposable {
  readonly id: number;
  readonly name: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  readonly keySize: number;
  /** Bytes of one value; of one CPU's, in a per-CPU map. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** `map_flags`. */
  readonly flags: number;
  /** The elements as bytes. */
  readonly raw: RawMap;
  private readonly created: MapInfo;
  private readonly owned: Fd;
  private readonly typeIds: Pick<CodedMap, 'keyTypeId' | 'valueTypeId'>;
  private types: Btf | undefined;
  private codecs: MapCodecs | undefined;

  /** @param fd is owned by the new object, and closed if it is no map */
  constructor(fd: number, identity: MapIdentity = {}) {
    const info = lookAtNew(fd, mapInfo);
    this.created = info;
    this.id = info.id;
    this.name = identity.name ?? info.name;
    this.type = info.type;
    this.keySize = info.keySize;
    this.valueSize = info.valueSize;
    this.maxEntries = info.maxEntries;
    this.flags = info.flags;
    this.types = identity.btf;
    this.typeIds = {
      keyTypeId: identity.keyTypeId ?? info.keyTypeId,
      valueTypeId: identity.valueTypeId ?? info.valueTypeId,
    };
    this.owned = new Fd(fd, `map '${this.name}'`);
    const cpus = isPerCpu(info.type) ? possibleCpus() : undefined;
    const size = cpus === undefined ? info.valueSize : Math.ceil(info.valueSize / 8) * 8 * cpus;
    this.raw = new RawMap({ ...info, name: this.name }, size, () => this.fd);
  }

  /**
   * The map pinned at a path.
   *
   * @throws BpfError PIN_NOT_FOUND, PIN_INVALID when something else is pinned there
   */
  static open<K = unknown, V = unknown>(path: string, identity?: MapIdentity): BpfMap<K, V> {
    return new BpfMap<K, V>(openPin(path, 'map'), identity);
  }

  /**
   * The map with a number.
   *
   * @returns undefined if there is none (any more)
   * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN
   */
  static byId<K = unknown, V = unknown>(id: number, identity?: MapIdentity): BpfMap<K, V> | undefined {
    const fd = fdById('map', id);
    return fd === undefined ? undefined : new BpfMap<K, V>(fd, identity);
  }

  /** @throws BpfError INTERNAL after close() */
  get fd(): number {
    return this.owned.number;
  }

  /** Whether each element has a value for every possible CPU: values are lists then. */
  get perCpu(): boolean {
    return isPerCpu(this.type);
  }

  /** What its values are besides bytes: see {@link Handle}. */
  get holds(): 'program' | 'map' | 'file' | undefined {
    return heldBy(this.type);
  }

  /** What the kernel says about it now. */
  info(): MapInfo {
    return mapInfo(this.fd);
  }

  /** Bytes of kernel memory that it takes. */
  get memlock(): number {
    return Number(fdInfoLine(this.fd, 'memlock') ?? 0);
  }

  /** The types that its keys and values are described with; undefined without BTF. */
  get btf(): Btf | undefined {
    return (this.types ??= mapBtf(this.created));
  }

  /**
   * The value of a key, undefined if there is none. Maps of programs, maps and perf events show the ids of what they
   * hold.
   *
   * @throws BpfError CONSTANT_INVALID for a key that does not fit its C type, SYSCALL_FAILED
   */
  lookup(key: K, options?: LookupOptions): V | undefined {
    const { key: keys, value: values } = this.coding();
    const found = this.raw.lookup(keys.encode(key), options);
    return found && (decodeBytes(values, found) as V);
  }

  /**
   * Write an element. Fields that the value leaves out become zero. Where the map holds programs, maps or sockets the
   * value is one: see {@link Handle}.
   *
   * @param how `any`: write over an element that is there; `new`: it must not be there; `existing`: it must
   * @throws BpfError CONSTANT_INVALID for a key or value that does not fit its C type; SYSCALL_FAILED with errno E2BIG
   *   when the map is full, EEXIST or ENOENT when the mode does not allow it, EPERM when it is frozen
   */
  update(key: K, value: V, how?: UpdateMode | UpdateOptions): void {
    const bytes = this.coding().key.encode(key);
    this.withValue(value, (encoded) => this.raw.update(bytes, encoded, how));
  }

  /** Remove an element; false if there was none. */
  delete(key: K): boolean {
    return this.raw.delete(this.coding().key.encode(key));
  }

  /** Remove an element and return its value, in one step (hash maps, Linux 5.14); undefined if there was none. */
  lookupAndDelete(key: K, options?: LookupOptions): V | undefined {
    const { key: keys, value: values } = this.coding();
    const found = this.raw.lookupAndDelete(keys.encode(key), options);
    return found && (decodeBytes(values, found) as V);
  }

  /**
   * Every element, in lists of some thousands: the way through a large map in bounded memory.
   *
   * An element that is in the map during the whole walk comes exactly once, whatever is deleted or added meanwhile; of
   * what comes or goes some is seen.
   *
   * @throws BpfError SYSCALL_FAILED
   *
   * @example
   * ```ts
   * let total = 0;
   * for (const elements of map.chunks()) total += elements.length;
   * ```
   */
  *chunks(): Generator<[K, V][]> {
    const { key, value } = this.coding();
    const { keySize } = this;
    const { valueSize } = this.raw;
    for (const { count, keys, values } of this.raw.chunks()) {
      const keyView = viewOf(keys);
      const valueView = viewOf(values);
      const elements: [K, V][] = [];
      for (let i = 0; i < count; i++) {
        elements.push([key.decode(keyView, i * keySize) as K, value.decode(valueView, i * valueSize) as V]);
      }
      yield elements;
    }
  }

  /** Every key with its value: see {@link chunks}. */
  *entries(): Generator<[K, V]> {
    for (const elements of this.chunks()) yield* elements;
  }

  /** Every key: see {@link chunks}. */
  *keys(): Generator<K> {
    const { key } = this.coding();
    for (const bytes of this.raw.keys()) yield decodeBytes(key, bytes) as K;
  }

  /**
   * Write many elements, thousands with each system call where the kernel can (Linux 5.6), else one by one.
   *
   * @returns how many were written
   * @throws BpfError as {@link update}; what stands before the element that is refused is written
   *
   * @example
   * ```ts
   * map.updateBatch([[1, { packets: 1 }], [2, { packets: 5 }]]); // 2
   * ```
   */
  updateBatch(elements: Iterable<readonly [K, V]>, how?: UpdateMode | UpdateOptions): number {
    if (heldBy(this.type) === undefined) return this.raw.updateBatch(this.encoded(elements), how);
    let written = 0;
    for (const [key, value] of elements) {
      this.update(key, value, how);
      written++;
    }
    return written;
  }

  /**
   * Remove many elements: see {@link updateBatch}.
   *
   * @returns how many of them there were
   */
  deleteBatch(keys: Iterable<K>): number {
    return this.raw.deleteBatch(this.encodedKeys(keys));
  }

  /**
   * Take every element out of a hash map, by chunks: go through all of them, since who leaves the loop loses what is left
   * of a chunk that is out of the map already.
   *
   * @throws BpfError SYSCALL_FAILED for types whose elements cannot be removed
   */
  *takeAll(): Generator<[K, V]> {
    const { key, value } = this.coding();
    for (const [keyBytes, valueBytes] of this.raw.takeAll()) {
      yield [decodeBytes(key, keyBytes) as K, decodeBytes(value, valueBytes) as V];
    }
  }

  /** The key that some bytes are: for who walks {@link raw} and shows only some of it. */
  decodeKey(bytes: Uint8Array): K {
    return decodeBytes(this.coding().key, bytes) as K;
  }

  /** The value that some bytes are: of all CPUs, in a per-CPU map. */
  decodeValue(bytes: Uint8Array): V {
    return decodeBytes(this.coding().value, bytes) as V;
  }

  /** Add a value to a queue, stack or bloom filter. */
  push(value: V): void {
    this.raw.update(noKey, this.coding().value.encode(value));
  }

  /** Take the next value from a queue or stack; undefined when it is empty. */
  pop(): V | undefined {
    const bytes = this.raw.lookupAndDelete(noKey);
    return bytes && (decodeBytes(this.coding().value, bytes) as V);
  }

  /** The next value of a queue or stack, which stays there; undefined when it is empty. */
  peek(): V | undefined {
    const bytes = this.raw.lookup(noKey);
    return bytes && (decodeBytes(this.coding().value, bytes) as V);
  }

  /** Whether a bloom filter may hold a value: false is certain, true is likely (Linux 5.16). */
  mayHold(value: V): boolean {
    return this.raw.mayHold(this.coding().value.encode(value));
  }

  /** From now on user space cannot write it (Linux 5.2); programs still can, unless it is read-only for them. */
  freeze(): void {
    mapFreeze(this.fd);
  }

  /**
   * Let it live on beyond this process. The pin's directory is made if need be.
   *
   * @throws BpfError PIN_EXISTS, PIN_INVALID, NO_BPFFS, PIN_FAILED
   */
  pin(path: string): void {
    preparePin(path);
    pinObject(this.fd, `map '${this.name}'`, path);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Give up the fd. Programs keep the map; closing twice is harmless. */
  close(): void {
    this.owned.close();
  }

  /** Bytes of a value, for as long as what it refers to is open. */
  private withValue(value: V, use: (bytes: Uint8Array) => void): void {
    const kind = heldBy(this.type);
    const { size } = this.coding().value;
    if (kind === undefined || (value instanceof Uint8Array && value.length === size)) {
      return use(this.coding().value.encode(value));
    }
    withHandle(`map '${this.name}'`, kind, value, (fd) => {
      const bytes = new Uint8Array(size);
      new DataView(bytes.buffer).setUint32(0, fd, true);
      use(bytes);
    });
  }

  private *encoded(elements: Iterable<readonly [K, V]>): Generator<Entry> {
    const { key: keys, value: values } = this.coding();
    for (const [key, value] of elements) yield [keys.encode(key), values.encode(value)];
  }

  private *encodedKeys(keys: Iterable<K>): Generator<Uint8Array> {
    const { key: codec } = this.coding();
    for (const key of keys) yield codec.encode(key);
  }

  private coding(): MapCodecs {
    return (this.codecs ??= mapCodecs({
      name: this.name,
      type: this.type,
      keySize: this.keySize,
      valueSize: this.valueSize,
      ...this.typeIds,
      btf: () => this.btf,
    }));
  }
}

const noKey = new Uint8Array(0);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
