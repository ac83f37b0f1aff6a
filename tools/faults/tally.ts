/** Counts what came of faults. */
import { type Outcome } from './round';

export interface Choice {
  /** Every which call, from which on. */
  readonly every: number;
  readonly first: number;
  /** Told of each fault, as it happens. */
  readonly log: (line: string) => void;
  /** Awaited between two faults. */
  readonly between: () => Promise<void>;
}

/** What came of one fault. */
export interface Tried {
  /** What failed. */
  readonly what: string;
  /** Name of an error, or of a signal. */
  readonly error: string;
  readonly outcome: Outcome;
  readonly text: string | undefined;
  readonly problems: readonly string[];
}

export interface Tally {
  readonly name: string;
  faults: number;
  readonly errors: Record<string, number>;
  readonly outcomes: Record<Outcome, number>;
  readonly violations: string[];
}

/** @param attempt tries the fault with a number; undefined when there are no more calls */
export async function tallied(
  name: string,
  { every, first, log, between }: Choice,
  attempt: (number: number) => Promise<Tried | undefined>,
): Promise<Tally> {
  const tally: Tally = {
    name,
    faults: 0,
    errors: {},
    outcomes: { went: 0, back: 0, part: 0 },
    violations: [],
  };
  for (let number = first; ; number += every) {
    const tried = await attempt(number);
    if (tried === undefined) return tally;
    const { what, error, outcome, text, problems } = tried;
    tally.faults++;
    tally.errors[error] = (tally.errors[error] ?? 0) + 1;
    tally.outcomes[outcome]++;
    const line = `${name} ${number}: ${what} ${error}`;
    log(`${line}: ${outcome}${text === undefined ? '' : `, ${text}`}`);
    for (const problem of problems) {
      tally.violations.push(`${line}: ${problem}`);
      log(`  VIOLATION ${problem}`);
    }
    await between();
  }
}
