/**
 * What a user ends with SIGINT (Ctrl-C) or SIGTERM: it is told, and ends by itself, cleanly. Until {@link done} the
 * two signals mean nothing else.
 *
 * @example
 * ```ts
 * const interruptible = new Interruptible();
 * while (await interruptible.wait(1000)) look();
 * interruptible.done();
 * ```
 */
export class Interruptible {
  private readonly controller = new AbortController();
  private readonly listener = (): void => this.controller.abort();

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, this.listener);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get interrupted(): boolean {
    return this.controller.signal.aborted;
  }

  /** @returns false when it was interrupted meanwhile */
  wait(milliseconds: number): Promise<boolean> {
    if (this.interrupted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.signal.removeEventListener('abort', end);
        resolve(!this.interrupted);
      };
      const timer = setTimeout(end, milliseconds);
      this.signal.addEventListener('abort', end);
    });
  }

  /** End it from within: as if it had been interrupted. */
  stop(): void {
    this.controller.abort();
  }

  /** Signals mean again what they meant before. */
  done(): void {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, this.listener);
  }
}
