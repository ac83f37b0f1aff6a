import { mapMemory, pageSize, type MappedMemory } from '../kernel';
import { EventSource, type EventOptions } from './event-source';
import { type BpfMap } from './map';
import { recordDecoder, type RecordDecoder, type RecordOptions } from './record-decoder';
import { requireMapType } from './require-map-type';
import { RingBacklog } from './ring-backlog';
import { RingMemory, type RecordMemory } from './ring-memory';

/** How records are turned into values, and waited for. */
export interface RingBufferOptions extends RecordOptions, EventOptions {
  /**
   * Bytes of this process's memory for records that come faster than they can be handled: they are copied there, in
   * bursts of many millions a second, and handled when there is time. 0, the default, leaves them in the buffer.
   * Records that are there when the reader is closed are gone.
   */
  readonly backlog?: number | undefined;
}

/**
 * Reads the records of a ring buffer map (Linux 5.8), in their order and none twice: what is not read yet stays in the
 * buffer. There is one consumer position for a map, so only one reader at a time makes sense.
 *
 * A reader that is too slow loses nothing by itself: the buffer fills, and bpf_ringbuf_reserve() in the program returns
 * NULL. The kernel does not count that; a program that must know counts it in a variable.
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
export class RingBuffer<T = Uint8Array> extends EventSource<T> {
  private readonly decode: RecordDecoder;
  private readonly consumerPage: MappedMemory;
  private readonly producerPages: MappedMemory;
  private readonly memory: RecordMemory;

  /**
   * @throws BpfError MAP_INVALID for a map of another type, BTF_MISSING or CONSTANT_UNKNOWN when there is no such type,
   *   SYSCALL_FAILED
   */
  constructor(map: BpfMap, options: RingBufferOptions = {}) {
    requireMapType(map, 'ringbuf', 'read as a ring buffer');
    const decode = recordDecoder(map, options);
    // Before a signal is listened to: nothing would take a reader off it that has no memory.
    const { consumerPage, producerPages } = mapRing(map);
    super([map.fd], options);
    this.decode = decode;
    this.consumerPage = consumerPage;
    this.producerPages = producerPages;
    const ring = new RingMemory(consumerPage.bytes, producerPages.bytes, map.maxEntries, pageSize());
    const { backlog = 0 } = options;
    this.memory = backlog > 0 ? new RingBacklog(ring, backlog) : ring;
  }

  /** Bytes that wait to be read, their headers included: at most the map's max_entries and the backlog. */
  get pending(): number {
    return this.closed ? 0 : this.memory.pending;
  }

  protected take(handle: (record: T) => void, limit: number): number {
    const { memory, decode } = this;
    let count = 0;
    try {
      // Who handles a record may close the reader, and then its memory is gone.
      while (count < limit && !this.closed && memory.next()) {
        count++;
        handle(decode(memory.view, memory.start, memory.length) as T);
      }
    } finally {
      if (!this.closed) memory.release();
    }
    return count;
  }

  protected free(): void {
    this.memory.release();
    this.consumerPage.unmap();
    this.producerPages.unmap();
  }
}

/** The first page is the consumer's, the second the producer's; the data follow, twice. */
function mapRing(map: BpfMap): { readonly consumerPage: MappedMemory; readonly producerPages: MappedMemory } {
  const page = pageSize();
  const consumerPage = mapMemory(map.fd, page, { writable: true });
  try {
    return {
      consumerPage,
      producerPages: mapMemory(map.fd, page + 2 * map.maxEntries, { offset: page }),
    };
  } catch (error) {
    consumerPage.unmap();
    throw error;
  }
}
