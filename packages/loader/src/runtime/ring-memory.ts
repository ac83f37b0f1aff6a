import { recordHeader, recordSpace } from './ring-record';

/** `BPF_RINGBUF_BUSY_BIT` and `BPF_RINGBUF_DISCARD_BIT` of a record's length. */
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;

const fourGiB = 0x100000000;

/** Where records are read from, one after the other. */
export interface RecordMemory {
  /** What {@link next} found: where in the view the record begins, and its bytes. */
  readonly view: DataView;
  readonly start: number;
  readonly length: number;
  /** Go to the next record; false when there is none now. */
  next(): boolean;
  /** Give what was read back to the writers. */
  release(): void;
  /** Bytes that wait to be read, headers included. */
  readonly pending: number;
}

/**
 * Reads records from a ring buffer's memory: Documentation/bpf/ringbuf.rst. The kernel maps the data twice in a row, so
 * a record that wraps is contiguous. Positions only grow (2^53 bytes are years of them); the consumer's is ours to
 * write, the rest the kernel's.
 *
 * A record is read where it lies: its bytes are the kernel's again after {@link release}.
 */
export class RingMemory implements RecordMemory {
  /** The data, twice. */
  readonly view: DataView;
  start = 0;
  length = 0;
  private readonly consumer: BigUint64Array;
  /** The low halves of both positions: a bigint for each look at them would be garbage by the thousand. */
  private readonly consumerLow: Int32Array;
  private readonly producerLow: Int32Array;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly mask: number;
  /** Given back up to here, read up to here, written up to here as far as was seen. */
  private released: number;
  private position: number;
  private end: number;

  /**
   * @param consumerPage first page, writable
   * @param producerPages second page, and the data twice
   * @param dataSize a power of two
   */
  constructor(
    consumerPage: Uint8Array,
    producerPages: Uint8Array,
    readonly dataSize: number,
    pageSize: number,
  ) {
    const data = producerPages.subarray(pageSize);
    this.consumer = new BigUint64Array(consumerPage.buffer, consumerPage.byteOffset, 1);
    this.consumerLow = new Int32Array(consumerPage.buffer, consumerPage.byteOffset, 1);
    this.producerLow = new Int32Array(producerPages.buffer, producerPages.byteOffset, 1);
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    this.words = new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
    this.bytes = data;
    this.mask = dataSize - 1;
    this.position = Number(Atomics.load(this.consumer, 0));
    this.released = this.position;
    this.end = this.position;
  }

  /**
   * Go to the next record; false when there is none, or when its writer has not finished it. What was read before is
   * released now and then, so that the writers do not wait for it. Atomics order the reads as the kernel's
   * smp_load_acquire() does.
   */
  next(): boolean {
    if (this.position - this.released >= this.dataSize >> 4) this.release();
    for (;;) {
      if (this.position >= this.end) {
        this.end = this.position + this.pending;
        if (this.position >= this.end) return false;
      }
      // The mask is of 32 bits, and so is what an operator of bits makes of a number.
      const at = (this.position % fourGiB) & this.mask;
      const header = Atomics.load(this.words, at >> 2);
      if ((header & BUSY) !== 0) return false;
      const length = header & ~(BUSY | DISCARDED);
      this.position += recordSpace(length);
      if ((header & DISCARDED) !== 0) continue;
      this.start = at + recordHeader;
      this.length = length;
      return true;
    }
  }

  /**
   * Copy the records that are there, whole ones with their headers, and give them back.
   *
   * @returns bytes copied; discarded records are passed over
   */
  copyTo(into: Uint8Array, offset: number): number {
    this.release();
    this.end = this.position + this.pending;
    const { words, mask } = this;
    const room = into.length - offset;
    let copied = 0;
    for (;;) {
      // Runs without discarded records, and up to the end of one: what a header says is checked before its data.
      const from = (this.position % fourGiB) & mask;
      let run = 0;
      let skip = 0;
      const available = this.end - this.position;
      while (run < available) {
        const header = Atomics.load(words, ((from + run) & mask) >> 2);
        if ((header & BUSY) !== 0) break;
        const bytes = recordSpace(header & ~DISCARDED);
        if ((header & DISCARDED) !== 0) {
          skip = bytes;
          break;
        }
        if (copied + run + bytes > room) break;
        run += bytes;
      }
      if (run > 0) into.set(this.bytes.subarray(from, from + run), offset + copied);
      copied += run;
      this.position += run + skip;
      if (skip === 0) break;
    }
    this.release();
    return copied;
  }

  /**
   * Give what was read back to the writers. Before waiting for more it must be done: the kernel wakes only readers that
   * have caught up.
   */
  release(): void {
    const { position, released } = this;
    if (released === position) return;
    this.released = position;
    // Writers read all 64 bits at once: where the high half changes both are written at once, too.
    const low = position % fourGiB;
    if (position - low === released - (released % fourGiB)) Atomics.store(this.consumerLow, 0, low | 0);
    else Atomics.store(this.consumer, 0, BigInt(position));
  }

  /** Bytes that wait to be read, headers included. */
  get pending(): number {
    // There is less than 4 GiB of it: the low halves say enough.
    return (Atomics.load(this.producerLow, 0) - (this.position % fourGiB)) >>> 0;
  }
}
