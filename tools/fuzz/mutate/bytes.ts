import { type Draft, longest } from '../draft';
import { type Mutator } from '../target';

/** Values at which checks of numbers are wrong, if they are. */
export const edges = [
  0, 1, 2, 3, 4, 7, 8, 16, 24, 32, 63, 64, 127, 128, 255, 256, 512, 1023, 1024, 4095, 4096, 0x7fff, 0x8000,
  0xfff0, 0xffff, 0x10000, 0xffffff, 0x1000000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffe, 0xffffffff,
];

/** Does several changes, mostly few. */
export function several(...changes: readonly Mutator[]): Mutator {
  return (draft) => {
    const { random } = draft;
    const count = random.oneIn(4) ? 1 + random.below(8) : 1 + random.below(2);
    for (let i = 0; i < count; i++) random.pick(changes)(draft);
  };
}

/** Does one of two kinds of changes, the second once in `n` times. */
export function rarely(n: number, rare: Mutator, usual: Mutator): Mutator {
  return (draft) => (draft.random.oneIn(n) ? rare : usual)(draft);
}

/** A change that knows nothing of the form. */
export const anyBytes: Mutator = (draft) => {
  if (draft.length === 0) return void draft.replace(0, 0, draft.other().subarray(0, 64));
  draft.random.pick(changes)(draft);
};

const changes: readonly Mutator[] = [
  flipBit,
  setByte,
  setNumber,
  setNumber,
  addToNumber,
  copyWord,
  copyPart,
  insertPart,
  deletePart,
  takeFromOther,
  cut,
];

function flipBit(draft: Draft): void {
  const at = draft.random.below(draft.length);
  draft.bytes[at]! ^= 1 << draft.random.below(8);
}

function setByte({ random, bytes, length }: Draft): void {
  bytes[random.below(length)] = random.next();
}

function setNumber(draft: Draft): void {
  const { random, view, length } = draft;
  const width = random.pick([1, 2, 4, 4, 8].filter((bytes) => bytes <= length));
  const at = random.below(length - width + 1);
  writeNumber(view, at, width, random.pick(edges), random.oneIn(8));
}

function addToNumber({ random, view, length }: Draft): void {
  const width = random.pick([1, 2, 4].filter((bytes) => bytes <= length));
  const at = random.below(length - width + 1);
  const little = !random.oneIn(4);
  const before =
    width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
  writeNumber(view, at, width, before + random.below(35) - 17, !little);
}

export function writeNumber(view: DataView, at: number, width: number, value: number, big: boolean): void {
  if (width === 1) view.setUint8(at, value);
  else if (width === 2) view.setUint16(at, value, !big);
  else if (width === 4) view.setUint32(at, value, !big);
  else view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), !big);
}

/** Numbers refer to others: ids, offsets and counts of one place are likely ones of another. */
function copyWord({ random, bytes, length }: Draft): void {
  if (length < 8) return;
  const words = length >> 2;
  const from = 4 * random.below(words);
  bytes.copyWithin(4 * random.below(words), from, from + 4);
}

function copyPart(draft: Draft): void {
  const { start, end } = draft.part();
  draft.bytes.copyWithin(draft.random.below(draft.length - (end - start) + 1), start, end);
}

function insertPart(draft: Draft): void {
  const { start, end } = draft.part();
  const piece = draft.bytes.slice(start, end);
  const at = draft.random.below(draft.length + 1);
  draft.replace(at, at, piece);
}

function deletePart(draft: Draft): void {
  const { start, end } = draft.part();
  draft.replace(start, end, new Uint8Array());
}

function takeFromOther(draft: Draft): void {
  const other = draft.other();
  const start = draft.random.below(other.length);
  const piece = other.subarray(start, start + 1 + draft.random.below(64));
  const at = draft.random.below(draft.length);
  draft.replace(at, draft.random.oneIn(2) ? at : Math.min(at + piece.length, draft.length), piece);
}

function cut(draft: Draft): void {
  draft.length = draft.random.below(draft.length) + 1;
}

/** A part many times over: what costs its square shows only where there is much of it. */
export const inflate: Mutator = (draft) => {
  const { random } = draft;
  const { start, end } = draft.part();
  const piece = draft.bytes.slice(start, end);
  const times = Math.floor((longest - draft.length) / Math.max(1, piece.length));
  const many = new Uint8Array(piece.length * random.below(times + 1));
  for (let at = 0; at < many.length; at += piece.length) many.set(piece, at);
  draft.replace(end, end, many);
};
