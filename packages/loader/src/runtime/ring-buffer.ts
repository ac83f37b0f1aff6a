import { BtfKind, decodeValue, type Btf } from '../btf';
import { BpfError, nearest } from '../errors';
import { mapMemory, pageSize, watchReadable, type MappedMemory } from '../kernel';
import { MapType, mapTypeName } from '../object';
import { type BpfMap } from './map';
import { RingMemory } from './ring-memory';

/** How records are turned into values. */
export interface RingBufferOptions {
  /** C type of the records: `struct exec_event`, or its name alone. Without it they are Uint8Array. */
  readonly type?: string | undefined;
  /** Where that type is; by default the map's own BTF, which is its object's. */
  readonly btf?: Btf | undefined;
}

/**
 * Reads the records of a ring buffer map (Linux 5.8), in their order and none twice: what is not read yet stays in the
 * buffer. There is one consumer position for a map, so only one reader at a time makes sense.
 *
 * @typeParam T of records: asserted by the caller, not checked
 *
 * @example
 * ```ts
 * const records = new RingBuffer<{ pid: number; comm: string }>(events, { type: 'struct exec_event' });
 * records.read(); // undefined, when there is none now
 * const stop = records.onRecord(({ pid, comm }) => console.log(pid, comm));
 * stop();
 * records.close();
 * ```
 */
export class RingBuffer<T = Uint8Array> implements AsyncIterable<T> {
  private readonly decode: (record: Uint8Array) => T;
  private readonly consumerPage: MappedMemory;
  private readonly producerPages: MappedMemory;
  private readonly memory: RingMemory;
  private readonly watches = new Set<() => void>();
  private closed = false;

  /**
   * @throws BpfError MAP_INVALID for a map of another type, BTF_MISSING or CONSTANT_UNKNOWN when there is no such type,
   *   SYSCALL_FAILED
   */
  constructor(
    private readonly map: BpfMap,
    options: RingBufferOptions = {},
  ) {
    if (map.type !== MapType.ringbuf) {
      throw new BpfError('MAP_INVALID', `map '${map.name}' is read as a ring buffer`, {
        map: map.name,
        found: `a map of type ${mapTypeName(map.type)}`,
        expected: 'type ringbuf',
      });
    }
    this.decode = decoder(map, options) as (record: Uint8Array) => T;
    const page = pageSize();
    this.consumerPage = mapMemory(map.fd, page, { writable: true });
    try {
      this.producerPages = mapMemory(map.fd, page + 2 * map.maxEntries, { offset: page });
    } catch (error) {
      this.consumerPage.unmap();
      throw error;
    }
    this.memory = new RingMemory(this.consumerPage.bytes, this.producerPages.bytes, map.maxEntries, page);
  }

  /** The next record that is there; undefined when there is none now. */
  read(): T | undefined {
    if (this.closed) return undefined;
    const record = this.memory.next();
    return record && this.decode(record);
  }

  /** Everything that is there now. */
  *drain(): Generator<T> {
    for (let record = this.read(); record !== undefined; record = this.read()) yield record;
  }

  /** Bytes that wait to be read, their headers included; the map's max_entries is the most there can be. */
  get pending(): number {
    return this.closed ? 0 : this.memory.pending;
  }

  /**
   * Call back for each record, from Node's event loop, until stopped. The process stays alive meanwhile.
   *
   * @returns what stops it
   */
  onRecord(callback: (record: T) => void): () => void {
    return this.watch(() => {
      for (const record of this.drain()) callback(record);
    });
  }

  /** Records as they come, until the reader leaves the loop or {@link close} is called. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.closed) {
      const record = this.read();
      if (record === undefined) await this.readable();
      else yield record;
    }
  }

  /** Stop all reading and give the memory back; the map stays open. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const stop of [...this.watches]) stop();
    this.consumerPage.unmap();
    this.producerPages.unmap();
  }

  /** Until there is something to read, or the reader is closed. */
  private readable(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.watch(() => stop(), resolve);
    });
  }

  private watch(callback: () => void, stopped?: () => void): () => void {
    const unwatch = watchReadable(this.map.fd, callback);
    const stop = () => {
      if (!this.watches.delete(stop)) return;
      unwatch();
      stopped?.();
    };
    this.watches.add(stop);
    return stop;
  }
}

function decoder(map: BpfMap, options: RingBufferOptions): (record: Uint8Array) => unknown {
  const { type } = options;
  if (type === undefined) return (record) => record;
  const btf = options.btf ?? map.btf;
  if (btf === undefined) {
    throw new BpfError('BTF_MISSING', `ring buffer '${map.name}': no types to find '${type}' in`, {
      map: map.name,
      symbol: type,
      hint: "give the object's BTF",
    });
  }
  const id = findType(btf, type);
  if (id === 0) throw unknownType(map, btf, type);
  const size = btf.byteSize(id);
  return (record) => {
    if (record.length >= size) return decodeValue(btf, id, record, 0);
    throw new BpfError('CONSTANT_INVALID', `ring buffer '${map.name}': a record is shorter than ${type}`, {
      map: map.name,
      symbol: type,
      found: `${record.length} bytes`,
      expected: `${size}`,
    });
  };
}

const kinds = { struct: BtfKind.STRUCT, union: BtfKind.UNION, enum: BtfKind.ENUM } as const;

/** A type by its C name: with its keyword, or any struct, typedef, union or integer of that name. */
function findType(btf: Btf, type: string): number {
  const [, keyword, name = type] = /^(struct|union|enum)\s+(\w+)$/.exec(type) ?? [];
  if (keyword !== undefined) return btf.find(name, kinds[keyword as keyof typeof kinds]);
  const order = [BtfKind.STRUCT, BtfKind.TYPEDEF, BtfKind.UNION, BtfKind.ENUM, BtfKind.INT];
  return order.map((kind) => btf.find(name, kind)).find((id) => id !== 0) ?? 0;
}

function unknownType(map: BpfMap, btf: Btf, type: string): BpfError {
  const names: string[] = [];
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) === BtfKind.STRUCT && btf.name(id) !== '') names.push(btf.name(id));
  }
  const near = nearest(type.replace(/^\w+\s+/, ''), names);
  return new BpfError('CONSTANT_UNKNOWN', `ring buffer '${map.name}': the object has no type '${type}'`, {
    map: map.name,
    symbol: type,
    hint:
      near.length > 0
        ? `did you mean ${near.map((name) => `struct ${name}`).join(' or ')}?`
        : 'clang keeps only types that something refers to: declare a global pointer of that type in the C source',
  });
}
