import { type Draft } from '../draft';
import { type Mutator } from '../target';
import { mutateBtf } from './btf';
import { anyBytes, edges, rarely, several, writeNumber } from './bytes';
import { changeWord } from './words';

const HEADER = 64;
const SECTION = 64;
/** Widths of the fields of `Elf64_Shdr`, by their offset. */
const sectionFields = [
  { at: 0, width: 4 },
  { at: 4, width: 4 },
  { at: 8, width: 8 },
  { at: 16, width: 8 },
  { at: 24, width: 8 },
  { at: 32, width: 8 },
  { at: 40, width: 4 },
  { at: 44, width: 4 },
  { at: 48, width: 8 },
  { at: 56, width: 8 },
];
const SHT_NOBITS = 8;

interface Section {
  /** Where its header is. */
  readonly header: number;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/** Changes of an ELF64 file: headers, words of sections, sections of other lengths, and BTF where it has some. */
export const elfMutator: Mutator = rarely(
  2000,
  (draft) => resizeSection(draft, true),
  several(
    changeSection,
    changeSection,
    changeSection,
    changeSection,
    changeHeader,
    changeSectionHeader,
    (draft) => resizeSection(draft, false),
    anyBytes,
  ),
);

function isLittle({ bytes }: Draft): boolean {
  return bytes[5] !== 2;
}

/** As far as the file still says where they are. */
function sections(draft: Draft): Section[] {
  const { view, length } = draft;
  if (length < HEADER) return [];
  const little = isLittle(draft);
  const table = Number(view.getBigUint64(40, little));
  const count = Math.min(view.getUint16(60, little), 512);
  const found: Section[] = [];
  for (let i = 1; i < count && table + (i + 1) * SECTION <= length; i++) {
    const header = table + i * SECTION;
    const offset = Number(view.getBigUint64(header + 24, little));
    const size = Number(view.getBigUint64(header + 32, little));
    if (size > 0 && offset + size <= length)
      found.push({ header, type: view.getUint32(header + 4, little), offset, size });
  }
  return found;
}

function changeHeader({ random, view, length }: Draft): void {
  if (length < HEADER) return;
  const field = random.pick([
    { at: 16, width: 2 },
    { at: 18, width: 2 },
    { at: 20, width: 4 },
    { at: 32, width: 8 },
    { at: 40, width: 8 },
    { at: 48, width: 4 },
    { at: 52, width: 2 },
    { at: 54, width: 2 },
    { at: 56, width: 2 },
    { at: 58, width: 2 },
    { at: 60, width: 2 },
    { at: 62, width: 2 },
  ]);
  writeNumber(view, field.at, field.width, random.pick(edges), view.getUint8(5) === 2);
}

function changeSectionHeader(draft: Draft): void {
  const { random, view } = draft;
  const all = sections(draft);
  if (all.length === 0) return anyBytes(draft);
  const { header } = random.pick(all);
  const { at, width } = random.pick(sectionFields);
  const little = isLittle(draft);
  const way = random.below(4);
  if (way < 2) {
    // The same field of another section.
    const from = random.pick(all).header + at;
    draft.bytes.copyWithin(header + at, from, from + width);
  } else if (way === 2 && width === 4) {
    view.setUint32(header + at, random.below(all.length + 3), little);
  } else {
    writeNumber(view, header + at, width, random.pick(edges), !little);
  }
}

function changeSection(draft: Draft): void {
  const { random } = draft;
  const all = sections(draft).filter(({ type }) => type !== SHT_NOBITS);
  if (all.length === 0) return anyBytes(draft);
  const { offset, size } = random.pick(all);
  const little = isLittle(draft);
  if (isBtf(draft, offset, size)) return mutateBtf(draft, offset, offset + size, little);
  if (random.oneIn(6)) {
    const at = offset + random.below(size);
    draft.bytes[at] = random.oneIn(2) ? random.next() : draft.bytes[offset + random.below(size)]!;
  } else changeWord(draft, offset, offset + size, little);
}

function isBtf({ view }: Draft, offset: number, size: number): boolean {
  return size >= 24 && (view.getUint16(offset, true) === 0xeb9f || view.getUint16(offset, false) === 0xeb9f);
}

/** A section with other contents, behind the end of the file: longer, shorter, or a part of it many times. */
function resizeSection(draft: Draft, large: boolean): void {
  const { random, view } = draft;
  const all = sections(draft).filter(({ type }) => type !== SHT_NOBITS);
  if (all.length === 0) return;
  const { header, offset, size } = random.pick(all);
  const unit = random.pick([1, 4, 8, 16, 24].filter((bytes) => bytes <= size));
  const records = Math.floor(size / unit);
  const from = offset + unit * random.below(records);
  const piece = draft.bytes.slice(
    from,
    Math.min(from + unit * (1 + random.below(large ? records : 4)), offset + size),
  );
  const times = large ? Math.floor(random.below(60_000) / piece.length) : random.below(4);
  const contents = [draft.bytes.slice(offset, offset + size)];
  if (times === 0) contents[0] = contents[0]!.subarray(0, unit * random.below(records + 1));
  for (let i = 0; i < times; i++) contents.push(piece);
  const whole = Buffer.concat(contents);
  const end = (draft.length + 7) & ~7;
  if (end + whole.length > draft.bytes.length) return;
  draft.bytes.fill(0, draft.length, end);
  draft.length = end;
  draft.replace(end, end, whole);
  view.setBigUint64(header + 24, BigInt(end), isLittle(draft));
  view.setBigUint64(header + 32, BigInt(whole.length), isLittle(draft));
}
