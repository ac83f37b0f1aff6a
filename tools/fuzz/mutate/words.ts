import { type Draft } from '../draft';
import { edges } from './bytes';

/**
 * Changes one of the 32-bit words in a part of an input: most formats here are tables of such words, where a word is
 * an id, an offset, a count or a kind.
 */
export function changeWord(draft: Draft, start: number, end: number, little: boolean): void {
  const { random, view } = draft;
  const last = Math.min(end, draft.length) - 4;
  if (last < start) return;
  const count = ((last - start) >> 2) + 1;
  const at = start + 4 * random.below(count);
  const word = view.getUint32(at, little);
  view.setUint32(at, changed(), little);

  function changed(): number {
    switch (random.below(9)) {
      case 0:
        return word + 1;
      case 1:
        return word - 1;
      case 2:
        return random.below(16);
      case 3:
        return random.below(count + 2);
      case 4:
        return random.pick(edges);
      case 5:
      case 6:
        return view.getUint32(start + 4 * random.below(count), little);
      // A byte of it: the highest of a BTF type's second word is its kind, the lower half the number of members.
      case 7:
        return (word & ~(0xff << 24)) | (random.below(40) << 24);
      default:
        return (word & ~0xff) | random.below(8);
    }
  }
}
