import { BpfError } from '../errors';
import {
  closeAll,
  Fd,
  failure,
  ioctl,
  mapDelete,
  mapMemory,
  mapUpdate,
  onlineCpus,
  pageSize,
  PerfIoctl,
  perfEventOpen,
  succeeded,
  type MappedMemory,
} from '../kernel';
import { EventSource, type EventOptions } from './event-source';
import { type BpfMap } from './map';
import { PerfMemory } from './perf-memory';
import { recordDecoder, type RecordDecoder, type RecordOptions } from './record-decoder';
import { requireMapType } from './require-map-type';

/** How samples are turned into values, and waited for. */
export interface PerfEventArrayOptions extends RecordOptions, EventOptions {
  /** Bytes of each CPU's buffer, a power of two of pages; 64 KiB by default. */
  readonly bufferSize?: number | undefined;
  /** Samples after which the reader is woken; 1 by default. More cost less, and come later. */
  readonly wakeupEvents?: number | undefined;
  /** Called when the kernel says that it dropped samples of a CPU for want of room, with how many. */
  readonly onLost?: ((cpu: number, count: number) => void) | undefined;
}

/** One call of bpf_perf_event_output(). */
export interface PerfSample<T> {
  readonly cpu: number;
  /** The kernel pads samples with up to 7 bytes: without a type they are here too. */
  readonly value: T;
}

/** PERF_TYPE_SOFTWARE, PERF_COUNT_SW_BPF_OUTPUT, PERF_SAMPLE_RAW. */
const SOFTWARE = 1;
const BPF_OUTPUT = 10;
const SAMPLE_RAW = 1 << 10;

/**
 * Reads what programs send through a perf event array: a buffer for each CPU that runs when it is opened. Within a CPU
 * samples come in their order, between CPUs in none. Closing takes the buffers out of the map again. A map has one place
 * for each CPU, and the kernel does not tell what is in it: a second reader takes the samples from the first.
 *
 * @typeParam T of values: asserted by the caller, not checked
 *
 * @example
 * ```ts
 * const reader = new PerfEventArray<{ pid: number }>(collection.map('samples'), { type: 'struct exec_event' });
 * for (const { cpu, value } of reader.drain()) console.log(cpu, value.pid);
 * console.log(reader.lost);
 * reader.close();
 * ```
 */
export class PerfEventArray<T = Uint8Array> extends EventSource<PerfSample<T>> {
  private readonly decode: RecordDecoder;
  private readonly buffers: readonly CpuBuffer[];
  private readonly onLost: ((cpu: number, count: number) => void) | undefined;
  private turn = 0;

  /**
   * @throws BpfError MAP_INVALID for a map of another type, BTF_MISSING or CONSTANT_UNKNOWN when there is no such type,
   *   PRIVILEGE_MISSING, SYSCALL_FAILED
   */
  constructor(
    private readonly map: BpfMap,
    options: PerfEventArrayOptions = {},
  ) {
    requireMapType(map, 'perf_event_array', 'read as a perf event array');
    const decode = recordDecoder(map, options);
    const buffers = openBuffers(map, options);
    super(
      buffers.map(({ fd }) => fd),
      options,
    );
    this.decode = decode;
    this.buffers = buffers;
    this.onLost = options.onLost;
  }

  /** Samples that were dropped for want of room, of all CPUs, as far as the kernel has said by what was read. */
  get lost(): number {
    return this.buffers.reduce((sum, { memory }) => sum + memory.lost, 0);
  }

  protected take(handle: (sample: PerfSample<T>) => void, limit: number): number {
    let count = 0;
    // A CPU that sends without end must not keep the others waiting.
    for (let i = 0; i < this.buffers.length && count < limit; i++) {
      const buffer = this.buffers[this.turn++ % this.buffers.length]!;
      count += this.takeFrom(buffer, handle, limit - count);
    }
    return count;
  }

  protected free(): void {
    takeOut(this.map, this.buffers);
  }

  private takeFrom(buffer: CpuBuffer, handle: (sample: PerfSample<T>) => void, limit: number): number {
    const { memory, cpu } = buffer;
    const before = memory.lost;
    let count = 0;
    try {
      while (count < limit && !this.closed && memory.next()) {
        count++;
        handle({ cpu, value: this.decode(memory.view, memory.start, memory.length) as T });
      }
    } finally {
      if (!this.closed) memory.release();
    }
    if (memory.lost > before) this.onLost?.(cpu, memory.lost - before);
    return count;
  }
}

/** A perf event of one CPU, and its memory. */
class CpuBuffer {
  readonly memory: PerfMemory;

  constructor(
    readonly cpu: number,
    private readonly event: Fd,
    private readonly pages: MappedMemory,
  ) {
    this.memory = new PerfMemory(pages.bytes, pageSize());
  }

  get fd(): number {
    return this.event.number;
  }

  close(): void {
    this.pages.unmap();
    this.event.close();
  }
}

function openBuffers(map: BpfMap, options: PerfEventArrayOptions): CpuBuffer[] {
  const { bufferSize = 64 * 1024, wakeupEvents = 1 } = options;
  const pages = bufferSize / pageSize();
  if (!Number.isInteger(Math.log2(pages)) || pages < 1) {
    throw new BpfError('CONSTANT_INVALID', `map '${map.name}': bufferSize`, {
      map: map.name,
      found: `${bufferSize}`,
      expected: `a power of two of pages of ${pageSize()} bytes`,
    });
  }
  const buffers: CpuBuffer[] = [];
  try {
    for (const cpu of onlineCpus())
      if (cpu < map.maxEntries) buffers.push(openBuffer(map, cpu, bufferSize, wakeupEvents));
  } catch (error) {
    takeOut(map, buffers);
    throw error;
  }
  return buffers;
}

function takeOut(map: BpfMap, buffers: readonly CpuBuffer[]): void {
  try {
    for (const { cpu } of buffers) mapDelete(map.fd, slot(cpu));
  } finally {
    closeAll(buffers);
  }
}

function openBuffer(map: BpfMap, cpu: number, bufferSize: number, wakeupEvents: number): CpuBuffer {
  const attributes = {
    type: SOFTWARE,
    config: BPF_OUTPUT,
    sample_type: SAMPLE_RAW,
    sample_period: 1,
    wakeup_events: wakeupEvents,
  };
  const number = perfEventOpen(attributes, -1, cpu);
  if (number < 0)
    throw failure(`map '${map.name}': perf_event_open on CPU ${cpu}`, number, { needs: ['CAP_PERFMON'] });
  const event = new Fd(number, `perf event of CPU ${cpu}`);
  let pages: MappedMemory | undefined;
  try {
    pages = mapMemory(number, pageSize() + bufferSize, { writable: true });
    mapUpdate(map.fd, slot(cpu), new Uint8Array(Uint32Array.of(number).buffer));
    succeeded(ioctl(number, PerfIoctl.ENABLE), 'PERF_EVENT_IOC_ENABLE');
    return new CpuBuffer(cpu, event, pages);
  } catch (error) {
    pages?.unmap();
    event.close();
    throw error;
  }
}

function slot(cpu: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(cpu).buffer);
}
