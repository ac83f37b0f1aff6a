/**
 * Numbers from 0 up to 1 that depend on the seed alone, so that a run can be had again: a 32-bit xorshift generator
 * (G. Marsaglia, "Xorshift RNGs", 2003).
 */
export function seededRandom(seed: number): () => number {
  // Zero would stay zero; small seeds would start with small numbers.
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}
