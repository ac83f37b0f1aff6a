import { nearest } from '@nx-bpf/loader/errors';

/** What to write instead of a name that is not known. */
export function suggestion(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  if (near.length > 0) return `did you mean ${near.map((word: string) => `'${word}'`).join(' or ')}?`;
  return known.length === 0 ? 'there is none' : `known are ${[...known].sort().join(', ')}`;
}
