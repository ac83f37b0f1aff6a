/** Whole numbers that depend on the seed alone, so that a run can be had again: xorshift (G. Marsaglia, 2003). */
export class Random {
  private state: number;

  constructor(seed: number) {
    // Zero would stay zero; small seeds would start with small numbers.
    this.state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  }

  /** 32 bits. */
  next(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return this.state >>> 0;
  }

  /** From 0 up to, and without, `most`; 0 for a `most` of 0. */
  below(most: number): number {
    return most < 1 ? 0 : this.next() % most;
  }

  /** Once in `n` times. */
  oneIn(n: number): boolean {
    return this.next() % n === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.next() % items.length]!;
  }
}
