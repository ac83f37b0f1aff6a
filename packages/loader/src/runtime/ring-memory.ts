/** `BPF_RINGBUF_BUSY_BIT` and `BPF_RINGBUF_DISCARD_BIT` of a record's length. */
const BUSY = 0x80000000;
const DISCARDED = 0x40000000;

/** sizeof(struct bpf_ringbuf_hdr). */
const headerSize = 8;

/**
 * Reads records from a ring buffer's memory: Documentation/bpf/ringbuf.rst. The kernel maps the data twice in a row, so
 * a record that wraps is contiguous. Positions only grow; the consumer's is ours to write, the rest the kernel's.
 */
export class RingMemory {
  private readonly consumer: BigUint64Array;
  private readonly producer: BigUint64Array;
  private readonly data: Uint8Array;
  private readonly words: Int32Array;

  /**
   * @param consumerPage first page, writable
   * @param producerPages second page, and the data twice
   * @param dataSize a power of two
   */
  constructor(
    consumerPage: Uint8Array,
    producerPages: Uint8Array,
    private readonly dataSize: number,
    pageSize: number,
  ) {
    this.consumer = new BigUint64Array(consumerPage.buffer, consumerPage.byteOffset, 1);
    this.producer = new BigUint64Array(producerPages.buffer, producerPages.byteOffset, 1);
    this.data = producerPages.subarray(pageSize);
    this.words = new Int32Array(this.data.buffer, this.data.byteOffset, this.data.byteLength / 4);
  }

  /**
   * A copy of the next record, which is thereby consumed; undefined when there is none, or when its writer has not
   * finished it. Atomics order the reads as the kernel's smp_load_acquire() does.
   */
  next(): Uint8Array | undefined {
    for (;;) {
      const position = Atomics.load(this.consumer, 0);
      if (position >= Atomics.load(this.producer, 0)) return undefined;
      const at = Number(position & BigInt(this.dataSize - 1));
      const header = Atomics.load(this.words, at / 4);
      if ((header & BUSY) !== 0) return undefined;
      const length = header & ~(BUSY | DISCARDED);
      const start = at + headerSize;
      const record = (header & DISCARDED) === 0 ? this.data.slice(start, start + length) : undefined;
      Atomics.store(this.consumer, 0, position + BigInt(Math.ceil((headerSize + length) / 8) * 8));
      if (record !== undefined) return record;
    }
  }

  /** Bytes that wait to be read, headers included. */
  get pending(): number {
    return Number(Atomics.load(this.producer, 0) - Atomics.load(this.consumer, 0));
  }
}
