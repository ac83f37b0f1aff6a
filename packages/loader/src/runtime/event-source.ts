import { setImmediate as turn } from 'node:timers/promises';
import { FdWatch } from '../kernel';

/** How events are waited for. */
export interface EventOptions {
  /** Ends all reading when it is aborted: loops end as they do when the source is closed, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Whether waiting for events keeps the process alive; it does by default. */
  readonly keepAlive?: boolean | undefined;
}

/** Events handled in one turn of the event loop: timers, sockets and signals have theirs in between. */
const perTurn = 8192;

/**
 * Events that arrive in memory shared with the kernel and are announced by fds. They are read from Node's event loop,
 * never by a thread; what is not read waits in the kernel's memory.
 *
 * @typeParam T of events
 *
 * @example
 * ```ts
 * const source: EventSource<Uint8Array> = new RingBuffer(events, { keepAlive: false });
 * console.log([...source.drain()].length);
 * source.close();
 * ```
 */
export abstract class EventSource<T> implements AsyncIterable<T>, Disposable {
  private readonly watches: readonly FdWatch[];
  private readonly waiting = new Set<() => void>();
  private readonly listeners = new Set<(event: T) => void>();
  private readonly signal: AbortSignal | undefined;
  private ended = false;
  private memoryHeld = true;
  private watching = false;
  private turnDue = false;

  /** @param fds readable when there are events; they stay the caller's */
  protected constructor(fds: readonly number[], options: EventOptions) {
    this.watches = fds.map((fd) => new FdWatch(fd, 'readable', () => this.ready()));
    if (options.keepAlive === false) for (const watch of this.watches) watch.keepAlive(false);
    this.signal = options.signal;
    if (this.signal?.aborted === true) this.ended = true;
    this.signal?.addEventListener('abort', this.end, { once: true });
  }

  /** Hand over up to `limit` of the events that are there; returns how many. */
  protected abstract take(handle: (event: T) => void, limit: number): number;

  /** Give the memory back: called once. */
  protected abstract free(): void;

  /** Whether reading has ended. */
  get closed(): boolean {
    return this.ended;
  }

  /** The next event that is there; undefined when there is none now. */
  read(): T | undefined {
    let found: T | undefined;
    if (!this.ended) this.take((event) => (found = event), 1);
    return found;
  }

  /** The events that are there, one by one. */
  *drain(): Generator<T> {
    for (let event = this.read(); event !== undefined; event = this.read()) yield event;
  }

  /**
   * Call back for each event, from Node's event loop, until stopped. This is the fastest way to read.
   *
   * @returns what stops it
   */
  onRecord(callback: (event: T) => void): () => void {
    this.listeners.add(callback);
    this.watch();
    return () => {
      this.listeners.delete(callback);
      this.watch();
    };
  }

  /**
   * Events as they come, in lists of those that were there, until the reader leaves the loop, the signal is aborted or
   * {@link close} is called. Faster than one by one: a list costs one turn of the event loop.
   */
  async *batches(): AsyncGenerator<T[]> {
    while (!this.ended) {
      const batch: T[] = [];
      this.take((event) => batch.push(event), perTurn);
      if (batch.length === 0) await this.readable();
      else {
        yield batch;
        await turn();
      }
    }
  }

  /** Events as they come, one by one: those behind the one at which the reader leaves the loop stay unread. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (let count = 1; !this.ended; count++) {
      const event = this.read();
      if (event === undefined) await this.readable();
      else yield event;
      if (count % perTurn === 0) await turn();
    }
  }

  /** Stop all reading and give the memory back; the map stays open. */
  close(): void {
    if (!this.memoryHeld) return;
    this.memoryHeld = false;
    this.end();
    this.signal?.removeEventListener('abort', this.end);
    for (const watch of this.watches) watch.close();
    this.free();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private readonly end = (): void => {
    this.ended = true;
    this.listeners.clear();
    this.watch();
    for (const wake of [...this.waiting]) wake();
  };

  /** Until there is something to read, or reading has ended. */
  private readable(): Promise<void> {
    if (this.ended) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.waiting.delete(wake);
        this.watch();
        resolve();
      };
      this.waiting.add(wake);
      this.watch();
    });
  }

  private ready(): void {
    for (const wake of [...this.waiting]) wake();
    if (this.listeners.size === 0) return;
    const count = this.take((event) => {
      for (const listener of this.listeners) listener(event);
    }, perTurn);
    // What is left need not be in the kernel's memory any more: then no fd would say so.
    if (count === perTurn && !this.turnDue) {
      this.turnDue = true;
      setImmediate(() => {
        this.turnDue = false;
        this.ready();
      });
    }
  }

  /** The fds are watched while somebody waits. */
  private watch(): void {
    const wanted = this.waiting.size + this.listeners.size > 0;
    if (wanted === this.watching) return;
    this.watching = wanted;
    for (const watch of this.watches) {
      if (wanted) watch.start();
      else watch.stop();
    }
  }
}
