import { type Draft, longest } from '../draft';
import { type Mutator } from '../target';
import { anyBytes, inflate, rarely, several } from './bytes';
import { changeWord } from './words';

/** Changes of BTF or BTF.ext that lies in a part of an input: mostly words of its tables. */
export function mutateBtf(draft: Draft, start: number, end: number, little: boolean): void {
  const { random, view, bytes } = draft;
  const header = view.getUint32(start + 4, little);
  const at = start + header + view.getUint32(start + 8, little);
  const size = view.getUint32(start + 12, little);
  if (header > 64 || at + size > end || random.oneIn(12))
    return changeWord(draft, start, Math.min(end, start + 24), little);
  if (random.oneIn(10)) {
    // A name: its characters, or where it ends.
    const strings = Math.min(start + header + view.getUint32(start + 16, little), end - 1);
    const place = strings + random.below(end - strings);
    bytes[place] = random.oneIn(4) ? 0 : bytes[strings + random.below(end - strings)]!;
    return;
  }
  changeWord(draft, at, at + size, little);
}

/** Changes of an input that is BTF as a whole. */
export const btfMutator: Mutator = rarely(
  1000,
  inflateTypes,
  several(change, change, change, change, (draft) => insertTypes(draft, 1 + draft.random.below(3)), anyBytes),
);

function change(draft: Draft): void {
  if (draft.length < 24) return anyBytes(draft);
  mutateBtf(draft, 0, draft.length, draft.bytes[0] === 0x9f);
}

/** Words of the types once more, or those of another input: the header still says where the strings are. */
function insertTypes(draft: Draft, times: number): void {
  if (draft.length < 24) return;
  const { random, view } = draft;
  const little = draft.bytes[0] === 0x9f;
  const types = view.getUint32(4, little) + view.getUint32(8, little);
  const size = view.getUint32(12, little);
  if (types + size > draft.length || size < 4 || size % 4 !== 0) return;
  const words = 3 + random.below(12);
  const from = types + 4 * random.below(size >> 2);
  const piece = draft.bytes.slice(from, Math.min(from + 4 * words, types + size));
  const count = Math.min(times, Math.floor((longest - draft.length) / piece.length));
  const added = new Uint8Array(piece.length * count);
  for (let i = 0; i < count; i++) added.set(piece, i * piece.length);
  // Behind the last type, so that ids keep their meaning.
  draft.replace(types + size, types + size, added);
  view.setUint32(12, size + added.length, little);
  view.setUint32(16, view.getUint32(16, little) + added.length, little);
}

function inflateTypes(draft: Draft): void {
  if (draft.random.oneIn(3)) inflate(draft);
  else insertTypes(draft, draft.random.below(8000));
}
