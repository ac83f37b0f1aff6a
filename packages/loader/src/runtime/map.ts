import { type Btf } from '../btf';
import { Fd, fdById, mapFreeze, mapInfo, openPin, pinObject, possibleCpus, type MapInfo } from '../kernel';
import { preparePin } from '../load';
import { MapType } from '../object';
import { btfCodec, bytesCodec, indexCodec, lpmCodec, perCpuCodec, type Codec } from './codec';
import { mapBtf } from './map-btf';
import { isIndexed, isPerCpu } from './map-types';
import { RawMap, type UpdateMode } from './raw-map';

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

interface Codecs {
  readonly key: Codec;
  readonly value: Codec;
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
export class BpfMap<K = unknown, V = unknown> {
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
  private readonly typeIds: { readonly key: number; readonly value: number };
  private types: Btf | undefined;
  private codecs: Codecs | undefined;

  /** @param fd is owned by the new object */
  constructor(fd: number, identity: MapIdentity = {}) {
    const info = mapInfo(fd);
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
      key: identity.keyTypeId ?? info.keyTypeId,
      value: identity.valueTypeId ?? info.valueTypeId,
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

  /** What the kernel says about it now. */
  info(): MapInfo {
    return mapInfo(this.fd);
  }

  /** The types that its keys and values are described with; undefined without BTF. */
  get btf(): Btf | undefined {
    return (this.types ??= mapBtf(this.created));
  }

  /**
   * The value of a key, undefined if there is none.
   *
   * @throws BpfError CONSTANT_INVALID for a key that does not fit its C type, SYSCALL_FAILED
   */
  lookup(key: K): V | undefined {
    const { key: keys, value: values } = this.coding();
    const found = this.raw.lookup(keys.encode(key));
    return found && (values.decode(found) as V);
  }

  /**
   * Write an element. Fields that the value leaves out become zero.
   *
   * @param mode `any`: write over an element that is there; `new`: it must not be there; `existing`: it must
   * @throws BpfError CONSTANT_INVALID for a key or value that does not fit its C type; SYSCALL_FAILED with errno E2BIG
   *   when the map is full, EEXIST or ENOENT when the mode does not allow it, EPERM when it is frozen
   */
  update(key: K, value: V, mode: UpdateMode = 'any'): void {
    const { key: keys, value: values } = this.coding();
    this.raw.update(keys.encode(key), values.encode(value), mode);
  }

  /** Remove an element; false if there was none. */
  delete(key: K): boolean {
    return this.raw.delete(this.coding().key.encode(key));
  }

  /** Every key. In a map that changes meanwhile, a key can come twice or be missed. */
  *keys(): Generator<K> {
    const { key } = this.coding();
    for (const bytes of this.raw.keys()) yield key.decode(bytes) as K;
  }

  /** Every key with its value. */
  *entries(): Generator<[K, V]> {
    const { key, value } = this.coding();
    for (const [keyBytes, valueBytes] of this.raw.entries()) {
      yield [key.decode(keyBytes) as K, value.decode(valueBytes) as V];
    }
  }

  /** Add a value to a queue, stack or bloom filter. */
  push(value: V): void {
    this.raw.update(new Uint8Array(0), this.coding().value.encode(value));
  }

  /** Take the next value from a queue or stack; undefined when it is empty. */
  pop(): V | undefined {
    const bytes = this.raw.take(new Uint8Array(0));
    return bytes && (this.coding().value.decode(bytes) as V);
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

  /** Give up the fd. Programs keep the map; closing twice is harmless. */
  close(): void {
    this.owned.close();
  }

  private coding(): Codecs {
    return (this.codecs ??= this.makeCodecs());
  }

  private makeCodecs(): Codecs {
    const key =
      this.typeIds.key === 0 && isIndexed(this.type)
        ? indexCodec(`map '${this.name}': key`)
        : this.codec('key', this.typeIds.key, this.keySize);
    const value = this.codec('value', this.typeIds.value, this.valueSize);
    return {
      key: this.type === MapType.lpm_trie ? lpmCodec(key) : key,
      value: isPerCpu(this.type) ? perCpuCodec(`map '${this.name}': value`, value, possibleCpus()) : value,
    };
  }

  private codec(part: string, typeId: number, size: number): Codec {
    const what = `map '${this.name}': ${part}`;
    const btf = typeId === 0 ? undefined : this.btf;
    return btf === undefined ? bytesCodec(what, size) : btfCodec(what, btf, typeId, size);
  }
}
