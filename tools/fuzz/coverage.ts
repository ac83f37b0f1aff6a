declare global {
  /** A count of each branch of the packages: see instrument.js. */
  var fuzzCounters: Uint8Array;
}

/** Counts that differ by little say nothing new: 1, 2, 3, 4 and on, 8 and on, 16, 32, 128 times. */
const classes = Uint8Array.from({ length: 256 }, (_, count) => {
  if (count === 0) return 0;
  const steps = [1, 2, 3, 4, 8, 16, 32, 128];
  return 1 << steps.findLastIndex((step) => count >= step);
});

/** Which branches inputs have gone, and about how often at once. */
export class Coverage {
  private readonly seen: Uint8Array;
  private readonly words: Uint32Array;

  /** @param used how many counters there are, of what is loaded */
  constructor(private readonly used: number) {
    this.seen = new Uint8Array(4 * Math.ceil(used / 4));
    this.words = new Uint32Array(globalThis.fuzzCounters.buffer, 0, Math.ceil(used / 4));
  }

  /** Before an input. */
  reset(): void {
    this.words.fill(0);
  }

  /** After an input: whether it went where none did before, or did so more often. */
  isNew(): boolean {
    const counters = globalThis.fuzzCounters;
    const { words, seen } = this;
    let fresh = false;
    for (let i = 0; i < words.length; i++) {
      if (words[i] === 0) continue;
      for (let at = 4 * i; at < 4 * i + 4; at++) {
        const seenBefore = seen[at]!;
        const now = seenBefore | classes[counters[at]!]!;
        if (now === seenBefore) continue;
        seen[at] = now;
        fresh = true;
      }
    }
    return fresh;
  }

  /** Branches that some input went. */
  get branches(): number {
    return this.seen.reduce((count, mask) => count + (mask === 0 ? 0 : 1), 0);
  }

  get most(): number {
    return this.used;
  }
}
