import { setTimeout as sleep } from 'node:timers/promises';
import { encodeValue, type Btf } from '../btf';
import { BpfError } from '../errors';
import { mapMemory, pageSize, type MappedMemory } from '../kernel';
import { type BpfMap } from './map';
import { recordType, type RecordOptions } from './record-decoder';
import { requireMapType } from './require-map-type';
import { recordHeader, recordSpace } from './ring-record';

/**
 * Sends records to programs through a user ring buffer (Linux 6.1), which a program empties with
 * bpf_user_ringbuf_drain(). One producer at a time.
 *
 * @typeParam T of records: what `encodeValue` takes for the type, or Uint8Array without one
 *
 * @example
 * ```ts
 * const commands = new UserRingBuffer<{ op: number }>(collection.map('commands'), { type: 'struct command' });
 * if (!commands.write({ op: 1 })) await commands.writable();
 * commands.close();
 * ```
 */
export class UserRingBuffer<T = Uint8Array> implements Disposable {
  private readonly consumerPage: MappedMemory;
  private readonly producerPages: MappedMemory;
  private readonly consumer: BigUint64Array;
  private readonly producer: BigUint64Array;
  private readonly data: Uint8Array;
  private readonly words: Int32Array;
  private readonly type: { readonly btf: Btf; readonly id: number } | undefined;
  private closed = false;

  /**
   * @throws BpfError MAP_INVALID for a map of another type, BTF_MISSING or CONSTANT_UNKNOWN when there is no such type,
   *   SYSCALL_FAILED
   */
  constructor(
    private readonly map: BpfMap,
    options: RecordOptions = {},
  ) {
    requireMapType(map, 'user_ringbuf', 'written as a user ring buffer');
    this.type = options.type === undefined ? undefined : recordType(map, options.type, options.btf);
    const page = pageSize();
    this.consumerPage = mapMemory(map.fd, page);
    try {
      const length = page + 2 * map.maxEntries;
      this.producerPages = mapMemory(map.fd, length, { writable: true, offset: page });
    } catch (error) {
      this.consumerPage.unmap();
      throw error;
    }
    const { bytes } = this.producerPages;
    this.consumer = new BigUint64Array(this.consumerPage.bytes.buffer, this.consumerPage.bytes.byteOffset, 1);
    this.producer = new BigUint64Array(bytes.buffer, bytes.byteOffset, 1);
    this.data = bytes.subarray(page);
    this.words = new Int32Array(this.data.buffer, this.data.byteOffset, this.data.byteLength / 4);
  }

  /** Bytes that programs have not read yet, headers included. */
  get pending(): number {
    if (this.closed) return 0;
    return Number(Atomics.load(this.producer, 0) - Atomics.load(this.consumer, 0));
  }

  /**
   * Send a record.
   *
   * @returns false when there is no room for it now
   * @throws BpfError CONSTANT_INVALID for a value that does not fit its C type, or never fits into the buffer
   */
  write(record: T): boolean {
    const bytes = this.bytesOf(record);
    const total = recordSpace(bytes.length);
    const size = this.map.maxEntries;
    if (total > size) {
      throw new BpfError('CONSTANT_INVALID', `map '${this.map.name}': a record of ${bytes.length} bytes`, {
        map: this.map.name,
        expected: `at most ${size - recordHeader}, which the buffer has room for (max_entries)`,
      });
    }
    if (this.closed || total > size - this.pending) return false;
    const position = Atomics.load(this.producer, 0);
    const at = Number(position & BigInt(size - 1));
    this.data.set(bytes, at + recordHeader);
    // The length, without the bit that says it is being written, and a word that stays zero.
    this.words[at / 4] = bytes.length;
    this.words[at / 4 + 1] = 0;
    Atomics.store(this.producer, 0, position + BigInt(total));
    return true;
  }

  /**
   * Until a program has emptied some of the buffer, or it is closed. The process stays alive meanwhile. The kernel calls
   * the fd writable as soon as 8 bytes are free, which says nothing about a record: the position is looked at instead,
   * each millisecond.
   */
  async writable(): Promise<void> {
    if (this.closed) return;
    const before = Atomics.load(this.consumer, 0);
    while (!this.closed && Atomics.load(this.consumer, 0) === before) await sleep(1);
  }

  /** Give the memory back; what was written stays for the programs. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.consumerPage.unmap();
    this.producerPages.unmap();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private bytesOf(record: T): Uint8Array {
    if (this.type !== undefined) {
      const { btf, id } = this.type;
      const bytes = new Uint8Array(btf.byteSize(id));
      encodeValue(btf, id, record, bytes, 0, { name: `map '${this.map.name}': record` });
      return bytes;
    }
    if (record instanceof Uint8Array) return record;
    throw new BpfError('CONSTANT_INVALID', `map '${this.map.name}': record`, {
      found: `a ${typeof record}`,
      expected: 'a Uint8Array, since no type was given',
    });
  }
}
