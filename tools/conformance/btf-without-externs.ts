import { type Btf, BtfKind, Linkage } from '../../packages/loader/src/btf';

/** Words of an entry of a DATASEC, of a type's header, and bytes of the header of BTF. */
const ENTRY = 3;
const TYPE_HEADER = 3;
const BTF_HEADER = 24;
/** `struct btf_header` begins with a magic number, version 1 and no flags. */
const MAGIC_AND_VERSION = 0x1eb9f;

/** `const void`, which any kernel takes, and which refers to nothing. */
const NOTHING = [0, BtfKind.CONST << 24, 0];

/** Words of a VAR; the last is its linkage. */
const VARIABLE = 4;

/**
 * BTF of which section `.ksyms` no longer has some externs. Their declarations, which kernels refuse, become
 * `const void`, and so does the section if none are left: every other type keeps its id.
 * Externs of `.kconfig` get the linkage that they have: GCC 12 says that the object defines them, and libbpf then
 * refuses it.
 *
 * @returns the bytes of a `.BTF` section, little endian, no more than there were
 */
export function btfWithoutExterns(btf: Btf, gone: ReadonlySet<string>): Uint8Array {
  const section = btf.find('.ksyms', BtfKind.DATASEC);
  const entries = entriesOf(btf, section);
  const kept = entries.filter(({ type }) => !gone.has(btf.name(type))).map(({ index }) => index);
  const dropped = new Set(entries.filter(({ type }) => gone.has(btf.name(type))).map(({ type }) => type));
  const kconfig = new Set(entriesOf(btf, btf.find('.kconfig', BtfKind.DATASEC)).map(({ type }) => type));

  const words: number[] = [];
  for (let id = btf.firstId; id < btf.endId; id++) {
    const start = btf.wordOffset(id);
    const end = id + 1 < btf.endId ? btf.wordOffset(id + 1) : btf.words.length;
    const record = [...btf.words.subarray(start, end)];
    if (kconfig.has(id)) record[VARIABLE - 1] = Linkage.EXTERN;
    if (id === section) words.push(...withEntries(record, kept));
    else if (dropped.has(id) || isTagOf(btf, id, dropped)) words.push(...NOTHING);
    else words.push(...record);
  }
  const typeBytes = Buffer.from(Uint32Array.from(words).buffer);
  const header = Uint32Array.of(
    MAGIC_AND_VERSION,
    BTF_HEADER,
    0,
    typeBytes.length,
    typeBytes.length,
    btf.stringBytes.length,
  );
  return Buffer.concat([Buffer.from(header.buffer), typeBytes, btf.stringBytes]);
}

/** The variables and functions of a DATASEC; none for id 0. */
function entriesOf(btf: Btf, section: number): { readonly index: number; readonly type: number }[] {
  const count = section === 0 ? 0 : btf.vlen(section);
  return Array.from({ length: count }, (_, index) => ({ index, type: btf.secVarType(section, index) }));
}

/** A DATASEC with some of its entries. */
function withEntries(record: readonly number[], kept: readonly number[]): readonly number[] {
  if (kept.length === 0) return NOTHING;
  const [name, , size] = record as [number, number, number];
  const entries = kept.flatMap((i) => record.slice(TYPE_HEADER + i * ENTRY, TYPE_HEADER + (i + 1) * ENTRY));
  return [name, (BtfKind.DATASEC << 24) | kept.length, size, ...entries];
}

function isTagOf(btf: Btf, id: number, types: ReadonlySet<number>): boolean {
  return btf.kind(id) === BtfKind.DECL_TAG && types.has(btf.type(id));
}
