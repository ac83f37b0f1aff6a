import { BpfError } from '@nx-bpf/loader';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Ends what runs beside this process when a signal says so, or when one of several fails. */
export class Stop {
  private readonly controller = new AbortController();
  private by: NodeJS.Signals | undefined;
  private readonly listener = (signal: NodeJS.Signals): void => {
    this.by = signal;
    this.controller.abort();
  };

  /** Runs `work` while signals are held back; afterwards they mean again what they did before. */
  static async guard<T>(work: (stop: Stop) => Promise<T>): Promise<T> {
    const stop = new Stop();
    for (const signal of signals) process.on(signal, stop.listener);
    try {
      return await work(stop);
    } finally {
      for (const signal of signals) process.off(signal, stop.listener);
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    this.controller.abort();
  }

  /** @throws BpfError INTERRUPTED */
  check(): void {
    if (this.by !== undefined) throw new BpfError('INTERRUPTED', `stopped by ${this.by}`);
  }
}
