import { type RecordMemory, type RingMemory } from './ring-memory';
import { recordHeader, recordSpace } from './ring-record';

/** Records that are handed over before the ring is looked at again. */
const slice = 256;

/** Milliseconds over which a flood is measured. */
const floodWindow = 0.1;

interface Chunk {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Int32Array;
  filled: number;
  read: number;
}

/**
 * Memory of this process behind a ring buffer: while records arrive faster than they are handled they are copied out of
 * the ring, which takes a fraction of the time that decoding does, and are handled when there is time again.
 *
 * Chunks of the ring's size, used again when they are empty. When all are full, records stay in the ring.
 */
export class RingBacklog implements RecordMemory {
  view: DataView;
  start = 0;
  length = 0;
  private readonly waiting: Chunk[] = [];
  private readonly spare: Chunk[] = [];
  private current: Chunk;
  private untilFill = 0;

  /** @param bytes of memory, rounded to chunks: two at least */
  constructor(
    private readonly ring: RingMemory,
    bytes: number,
  ) {
    this.current = this.chunk();
    this.view = this.current.view;
    const chunks = Math.max(2, Math.round(bytes / ring.dataSize));
    for (let i = 1; i < chunks; i++) this.spare.push(this.chunk());
  }

  next(): boolean {
    if (--this.untilFill <= 0) {
      this.untilFill = slice;
      this.fill();
    }
    if (this.current.read >= this.current.filled && !this.advance()) {
      this.fill();
      if (this.current.read >= this.current.filled && !this.advance()) return false;
    }
    const { current } = this;
    const length = current.words[current.read >> 2]!;
    this.start = current.read + recordHeader;
    this.length = length;
    current.read += recordSpace(length);
    return true;
  }

  /** The ring's records were given back when they were copied. */
  release(): void {
    this.ring.release();
  }

  get pending(): number {
    let bytes = this.ring.pending;
    for (const { filled, read } of [this.current, ...this.waiting]) bytes += filled - read;
    return bytes;
  }

  /**
   * Copy what is there. When that is much, a flood has begun: then nothing but copying is done until it ebbs to a rate
   * at which records can be handled as they come. Handling makes garbage, and a pause to collect it is longer than a
   * flood needs to fill the ring.
   */
  private fill(): void {
    const much = this.ring.dataSize >> 6;
    let copied = this.copy();
    while (copied >= much) {
      copied = 0;
      const end = performance.now() + floodWindow;
      while (performance.now() < end) {
        if (this.ring.pending < much >> 2) continue;
        const part = this.copy();
        if (part === 0) return;
        copied += part;
      }
    }
  }

  /** @returns bytes, 0 also when there is no room */
  private copy(): number {
    const last = this.waiting.at(-1) ?? this.current;
    if (last.filled === last.read) last.filled = last.read = 0;
    const copied = this.copyInto(last);
    if (copied > 0 || last.filled === 0 || this.ring.pending === 0) return copied;
    // The next record does not fit behind the others.
    const next = this.spare.pop();
    if (next === undefined) return 0;
    this.waiting.push(next);
    return this.copyInto(next);
  }

  private copyInto(chunk: Chunk): number {
    const copied = this.ring.copyTo(chunk.bytes, chunk.filled);
    chunk.filled += copied;
    return copied;
  }

  /** Go on to the next chunk that holds something. */
  private advance(): boolean {
    const next = this.waiting.shift();
    if (next === undefined) return false;
    this.current.filled = this.current.read = 0;
    this.spare.push(this.current);
    this.current = next;
    this.view = next.view;
    return next.read < next.filled;
  }

  private chunk(): Chunk {
    // Written once: a page fault for each 4096 bytes of a flood would be too late.
    const bytes = new Uint8Array(this.ring.dataSize).fill(1);
    const { buffer } = bytes;
    return { bytes, view: new DataView(buffer), words: new Int32Array(buffer), filled: 0, read: 0 };
  }
}
