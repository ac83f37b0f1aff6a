/** `PERF_RECORD_LOST` and `PERF_RECORD_SAMPLE` of include/uapi/linux/perf_event.h. */
const LOST = 2;
const SAMPLE = 9;

/** sizeof(struct perf_event_header): u32 type, u16 misc, u16 size of the whole record. */
const headerSize = 8;

/** `data_head` and `data_tail` of struct perf_event_mmap_page, in words of 64 bits. */
const headWord = 1024 / 8;
const tailWord = 1032 / 8;

/**
 * Reads the samples of one CPU's perf buffer: a control page and a ring, whose records can wrap. Positions only grow.
 * A sample is to be decoded before the next one is asked for.
 */
export class PerfMemory {
  /** Samples that the kernel dropped because the buffer was full, as far as it has said. */
  lost = 0;
  /** What {@link next} found: where in the view the sample begins, and its bytes. */
  view: DataView;
  start = 0;
  length = 0;
  private readonly control: BigUint64Array;
  private readonly ring: Uint8Array;
  private readonly ringView: DataView;
  private tail: number;
  private released: number;

  /** @param pages the control page and the ring, which is a power of two of pages */
  constructor(pages: Uint8Array, pageSize: number) {
    this.control = new BigUint64Array(pages.buffer, pages.byteOffset, pageSize / 8);
    this.ring = pages.subarray(pageSize);
    this.ringView = new DataView(this.ring.buffer, this.ring.byteOffset, this.ring.byteLength);
    this.view = this.ringView;
    this.tail = Number(Atomics.load(this.control, tailWord));
    this.released = this.tail;
  }

  /** Go to the next sample; false when there is none. */
  next(): boolean {
    const { ring, ringView } = this;
    for (;;) {
      const waiting = Number(Atomics.load(this.control, headWord)) - this.tail;
      if (waiting < headerSize) return false;
      // Records are multiples of 8 bytes: a header never wraps.
      const at = this.tail % ring.length;
      const type = ringView.getUint32(at, true);
      const size = ringView.getUint16(at + 6, true);
      if (size < headerSize || size > waiting) return false;
      this.tail += size;
      if (type !== SAMPLE && type !== LOST) continue;
      const whole = at + size <= ring.length;
      this.view = whole ? ringView : this.joined(at, size);
      const body = (whole ? at : 0) + headerSize;
      if (type === LOST) {
        // u64 id, u64 lost.
        if (size >= headerSize + 16) this.lost += Number(this.view.getBigUint64(body + 8, true));
        continue;
      }
      // u32 length, and the bytes: one that says it is longer than its record is none.
      const room = size - headerSize - 4;
      const length = room < 0 ? 0 : this.view.getUint32(body, true);
      if (length > room) continue;
      this.length = length;
      this.start = body + 4;
      return true;
    }
  }

  /** Give what was read back to the kernel. */
  release(): void {
    if (this.released === this.tail) return;
    this.released = this.tail;
    Atomics.store(this.control, tailWord, BigInt(this.tail));
  }

  private joined(at: number, size: number): DataView {
    const bytes = new Uint8Array(size);
    const first = this.ring.length - at;
    bytes.set(this.ring.subarray(at), 0);
    bytes.set(this.ring.subarray(0, size - first), first);
    return new DataView(bytes.buffer);
  }
}
