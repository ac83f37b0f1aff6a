import { type Oracles } from './build-oracle';
import { type Comparison } from './verdict';

/** What a worker is told, a line of JSON each. */
export interface Task {
  readonly file: string;
  readonly oracles: Oracles;
  /** Time limit of a load. */
  readonly seconds: number;
  /** Programs that were compared before, or whose time ran out. */
  readonly skip: readonly string[];
}

/** What a worker answers, a line of JSON each. */
export type Answer =
  /** The work on a program begins: if nothing follows, it was this one. */
  { readonly begin: string } | { readonly result: Comparison } | { readonly end: string };
