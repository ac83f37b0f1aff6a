import { difference } from '../oracle/difference';
import { type Agreement, type Verdict } from './verdict';

/**
 * How libbpf's verdict and ours on one program compare, and where the results differ.
 *
 * @example
 * ```ts
 * compare(peer, ours); // { agreement: 'different result', differences: ['maps.hits.maxEntries: 1 | 2'] }
 * ```
 */
export function compare(peer: Verdict, ours: Verdict): { agreement: Agreement; differences: string[] } {
  if (peer.outcome === 'timeout' || ours.outcome === 'timeout') {
    return { agreement: 'not judged', differences: [] };
  }
  if (peer.outcome === 'refused') {
    return { agreement: ours.outcome === 'refused' ? 'both refuse' : 'only we load', differences: [] };
  }
  if (ours.outcome === 'refused') return { agreement: 'only libbpf loads', differences: [] };
  const differences = difference(peer.held, ours.held);
  return { agreement: differences.length === 0 ? 'same result' : 'different result', differences };
}

/** Nothing is left to explain where both do the same, or nobody waited for the end. */
export function agrees(agreement: Agreement): boolean {
  return agreement === 'same result' || agreement === 'both refuse' || agreement === 'not judged';
}
