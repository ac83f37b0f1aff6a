import { BpfError } from '@nx-bpf/loader';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Turns a signal into an error at the next checkpoint, so that what was done is undone in order. Between two
 * checkpoints the work is synchronous, and no signal is seen.
 */
export class Interruption {
  private signal: NodeJS.Signals | undefined;
  private readonly listener = (signal: NodeJS.Signals): void => {
    this.signal = signal;
  };

  /** Runs `work` while signals are held back; afterwards they mean again what they did before. */
  static async guard<T>(work: (interruption: Interruption) => Promise<T>): Promise<T> {
    const interruption = new Interruption();
    for (const signal of signals) process.on(signal, interruption.listener);
    try {
      return await work(interruption);
    } finally {
      for (const signal of signals) process.off(signal, interruption.listener);
    }
  }

  /**
   * Lets signals in, and ends the work if one came.
   *
   * @throws BpfError INTERRUPTED
   */
  async checkpoint(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.signal !== undefined) {
      throw new BpfError('INTERRUPTED', `stopped by ${this.signal}`);
    }
  }
}
