/** Nobody mistypes a long name in more places. */
const mostEdits = 4;

/**
 * The names most like a mistyped one, nearest first: what an error offers as "did you mean".
 *
 * @param name what was written
 * @param known what could have been meant
 * @param most how many at most
 * @returns names within an edit distance of a third of the longer name, 4 at most; in equal distance, sorted
 *
 * @example
 * ```ts
 * nearest('max_entires', ['type', 'max_entries', 'map_flags']); // ['max_entries']
 * ```
 */
export function nearest(name: string, known: Iterable<string>, most = 3): string[] {
  const scored: { word: string; distance: number }[] = [];
  for (const word of known) {
    const limit = Math.min(mostEdits, Math.max(1, Math.floor(Math.max(word.length, name.length) / 3)));
    const distance = editDistance(name, word, limit);
    if (distance <= limit) scored.push({ word, distance });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.word < b.word ? -1 : a.word > b.word ? 1 : 0));
  return scored.slice(0, most).map((entry) => entry.word);
}

/**
 * Levenshtein distance where a swap of two neighbours counts one; `limit + 1` when it is more than `limit`. Most words
 * are given up after a few rows: a kernel has 60,000 functions to compare with.
 */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  let best = 0;
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    const bestBefore = best;
    best = i;
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, before[j - 2]! + 1);
      }
      current.push(distance);
      best = Math.min(best, distance);
    }
    // No path leads back below the limit: a later row builds on one of the last two.
    if (best > limit && bestBefore > limit) return limit + 1;
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
}
