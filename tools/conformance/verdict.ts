import { type Json } from '../oracle/difference';

/** What one loader made of one program. */
export type Verdict = Loaded | Refused | { readonly outcome: 'timeout' };

export interface Loaded {
  readonly outcome: 'loaded';
  /** What the kernel holds, without ids and addresses: see `tools/oracle/snapshot`. */
  readonly held: Json;
}

export interface Refused {
  readonly outcome: 'refused';
  /** Who said no: the loader before it asked the kernel (`loader`), or the kernel. */
  readonly by: string;
  /** Name of the errno, where there is one. */
  readonly errno: string | undefined;
  /** What the loader wrote. */
  readonly reason: string;
}

/** How the verdicts on one program compare. */
export type Agreement =
  /** Both load it, and the kernel holds the same. */
  | 'same result'
  | 'both refuse'
  | 'different result'
  | 'only libbpf loads'
  | 'only we load'
  /** The verifier took longer than the time limit. */
  | 'not judged';

/** The comparison of one program, as the report has it. */
export interface Comparison {
  readonly object: string;
  /** Undefined where neither loader can read the object, or it has no program. */
  readonly program: string | undefined;
  readonly agreement: Agreement;
  /** What libbpf of the system said, what libbpf of Linux 6.12 said where the first disagrees with us, and what we said. */
  readonly first: Summary;
  readonly second: Summary | undefined;
  readonly ours: Summary;
  /** Where two results differ: `place: libbpf's | ours`. */
  readonly differences: readonly string[];
  /** Why the first disagrees with us, where another version of libbpf, or a changed object, shows it. */
  readonly explanation: string | undefined;
}

/** A verdict without what the kernel holds. */
export interface Summary {
  readonly outcome: Verdict['outcome'];
  readonly by?: string | undefined;
  readonly errno?: string | undefined;
  readonly reason?: string | undefined;
}

export function summary(verdict: Verdict): Summary {
  if (verdict.outcome === 'loaded') return { outcome: 'loaded' };
  return verdict;
}
