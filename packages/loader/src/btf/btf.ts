import { type ByteView } from '../bytes';
import { BpfError } from '../errors';
import { checkTypes } from './check';
import { describeType } from './describe';
import { readPreamble, readRange } from './header';
import {
  ALIASES,
  BtfKind,
  elementWords,
  HEADER_WORDS,
  kindMask,
  kindName,
  MODIFIERS,
  OTHER_NAMES,
  REFERRING,
  SIZED,
  TYPE_NAMES,
} from './kinds';
import { alignmentOf, sizeOf } from './layout';
import { nameColumns, namedPositions, NameIndex, type TypeTable, WrongPlace } from './name-index';
import { checkNesting, MAX_NESTING } from './nesting';
import { scanTypes, type TypeScan } from './scan';
import { StringTable } from './string-table';
import { PlaceProof } from './place-proof';
import { decodeIndex, encodeIndex, type TypeIndex } from './type-index';
import { wordsOf } from './words';

/** What {@link Btf.parse} is told about the bytes. */
export interface BtfOptions {
  /** Split BTF (of a kernel module): the BTF whose ids and strings its own continue. */
  readonly base?: Btf | undefined;
  /** Name of the object file, for errors. */
  readonly object?: string | undefined;
  /** The bytes come from the running kernel: types are found, but not checked one by one. */
  readonly trusted?: boolean | undefined;
  /**
   * What {@link Btf.encodeIndex} made of the same bytes: then the types are not scanned. Only for `trusted` bytes
   * without a base. An index that is none, or of other bytes, is passed over; one that is wrong is noticed where it is
   * used, and the types are scanned after all.
   */
  readonly index?: Uint8Array | undefined;
}

/** magic, version, flags, hdr_len, type_off, type_len, str_off, str_len */
const HEADER_LENGTH = 24;

const COMPOSITE = kindMask(BtfKind.STRUCT, BtfKind.UNION);
const ALL_KINDS = ~0;
const ENUMS = kindMask(BtfKind.ENUM, BtfKind.ENUM64);

/**
 * The types of an object file, of the kernel or of a kernel module (Documentation/bpf/btf.rst): a view of the bytes
 * with the place of each type, nothing decoded ahead. Types are numbers from 1 (`firstId` in split BTF); 0 is `void`.
 * Sizes are bytes, offsets of members are bits from the start of the struct.
 *
 * Accessors throw BpfError BTF_MALFORMED when asked for an id, an element or a property that does not exist.
 *
 * @example
 * ```ts
 * const btf = Btf.parse(elf.section('.BTF')!.data);
 * const id = btf.find('exec_event', BtfKind.STRUCT);
 * for (let i = 0; i < btf.vlen(id); i++) {
 *   if (btf.memberName(id, i) === 'comm') btf.memberBitOffset(id, i) / 8; // 4
 * }
 * ```
 */
export class Btf {
  readonly bytes: Uint8Array;
  /** Byte order of the bytes. */
  readonly littleEndian: boolean;
  readonly base: Btf | undefined;
  /** The first id of its own: 1, or the base's `endId`. */
  readonly firstId: number;
  /** One past the last id. */
  readonly endId: number;
  /** Own types, in this machine's byte order. */
  readonly words: Uint32Array;
  /** The own strings; offsets into them begin at the end of the base's. */
  readonly stringBytes: Uint8Array;
  /** Type and string tables, and the word at which each own type begins. */
  private readonly strings: StringTable;
  private offsets: Uint32Array;
  private named: Uint32Array;
  /** Where the places of types come from an index: what has been seen to be right. */
  private proof: PlaceProof | undefined;
  private readonly indexed: TypeIndex | undefined;
  private typeNames: NameIndex | undefined;
  private otherNames: NameIndex | undefined;

  private constructor(bytes: Uint8Array, view: ByteView, parts: Parts, base: Btf | undefined) {
    this.bytes = bytes;
    this.littleEndian = view.littleEndian;
    this.base = base;
    this.words = parts.words;
    this.stringBytes = parts.strings;
    this.strings = new StringTable(parts.strings, base?.strings);
    this.offsets = parts.scan.offsets;
    this.named = parts.scan.named;
    this.proof = parts.index && new PlaceProof(parts.words, parts.index.offsets);
    this.indexed = parts.index;
    this.firstId = base?.endId ?? 1;
    this.endId = this.firstId + parts.scan.offsets.length;
  }

  /**
   * Reads the bytes of a `.BTF` section or of a file under /sys/kernel/btf, which are kept and must not change.
   *
   * @throws BpfError BTF_MALFORMED when header, sections or types do not fit together. Unless `trusted`, every id,
   * string and member is checked too, and that no type contains itself, so that what accessors return is sound.
   */
  static parse(bytes: Uint8Array, options: BtfOptions = {}): Btf {
    const { base, object } = options;
    const preamble = readPreamble(bytes, '.BTF', object, HEADER_LENGTH);
    const { view } = preamble;
    const types = readRange(preamble, 8, 'types');
    if (types.length % 4 !== 0) throw view.error(`the types are ${types.length} bytes, not whole words`, 12);
    const strings = readRange(preamble, 16, 'strings');
    checkStrings(view, strings.start, strings.length, base !== undefined);
    const words = wordsOf(bytes, types.start, types.length, view.littleEndian);
    const own = bytes.subarray(strings.start, strings.start + strings.length);
    const usable = options.trusted === true && base === undefined ? options.index : undefined;
    const index = usable && decodeIndex(usable, { types: types.length, strings: strings.length });
    const scan = index
      ? { offsets: index.offsets, named: index.types.positions }
      : scanTypes(words, view, types.start);
    const btf = new Btf(bytes, view, { words, scan, strings: own, index }, base);
    if (!options.trusted) {
      const place = (id: number): number => types.start + 4 * btf.wordOffset(id);
      checkTypes(btf, btf.strings.end, (id, what) => view.error(`type [${id}] ${what}`, place(id)));
      checkNesting(btf, (id, what) => view.error(`type [${id}] ${what}`, place(id)));
    }
    return btf;
  }

  /** The string at an offset that a type, or ext info, refers to. */
  string(offset: number): string {
    return this.strings.text(offset);
  }

  /** One past the last offset of a string. */
  get stringEnd(): number {
    return this.strings.end;
  }

  kind(id: number): BtfKind {
    return ((this.word(id, 1) >>> 24) & 0x1f) as BtfKind;
  }

  /** '' for an anonymous type. */
  name(id: number): string {
    return this.string(this.nameOffset(id));
  }

  /** Whether the types were found by an index, and it has been right so far. */
  get isIndexed(): boolean {
    return this.proof !== undefined;
  }

  /**
   * What the scan over the types found, and their names, as bytes: with them as `index` the same BTF is read without
   * that scan, which for a kernel's takes most of the time. They are no more to be trusted than who kept them:
   * a kernel's are kept by `indexedBtf`.
   *
   * @example
   * ```ts
   * const index = kernelBtf.encodeIndex();
   * Btf.parse(kernelBtf.bytes, { trusted: true, index }).isIndexed; // true
   * ```
   */
  encodeIndex(): Uint8Array {
    const table = this.table();
    const index: TypeIndex = {
      offsets: this.offsets,
      types: nameColumns(table, this.named),
      others: nameColumns(table, namedPositions(table, OTHER_NAMES)),
    };
    return encodeIndex(index, { types: this.words.byteLength, strings: this.stringBytes.length });
  }

  /** Where the name is among the strings. */
  nameOffset(id: number): number {
    return this.word(id, 0);
  }

  /** The index in `words` at which an own type begins. */
  wordOffset(id: number): number {
    if (this.proof?.holds(id - this.firstId) === false) this.scanAnew();
    return this.offsets[id - this.firstId]!;
  }

  /** The words of a type's record: those that it is in, and where it begins there. */
  record(id: number): { readonly words: Uint32Array; readonly at: number } {
    if (this.base !== undefined && id < this.firstId) return this.base.record(id);
    // An id that does not exist is an error.
    this.word(id, 0);
    return { words: this.words, at: this.wordOffset(id) };
  }

  /** Word `n` of element `i` as the format has it: for readers that want string offsets rather than strings. */
  elementWord(id: number, i: number, n: number): number {
    return this.element(id, i, n, ALL_KINDS);
  }

  /** STRUCT, UNION: member offsets include bitfield sizes; ENUM, ENUM64: values are signed; FWD: it is a union. */
  kindFlag(id: number): boolean {
    return this.word(id, 1) >>> 31 === 1;
  }

  /** Number of members, values, parameters or variables. */
  vlen(id: number): number {
    return this.word(id, 1) & 0xffff;
  }

  /** Size in bytes that an INT, STRUCT, UNION, ENUM, ENUM64, FLOAT or DATASEC has by itself; see {@link byteSize}. */
  size(id: number): number {
    return this.property(id, 2, SIZED, 'has no size of its own');
  }

  /** The type that a PTR, modifier, TYPEDEF, FUNC, VAR or DECL_TAG refers to; what a FUNC_PROTO returns. */
  type(id: number): number {
    return this.property(id, 2, REFERRING, 'refers to no other type');
  }

  memberName(id: number, i: number): string {
    return this.string(this.element(id, i, 0, COMPOSITE));
  }

  memberType(id: number, i: number): number {
    return this.element(id, i, 1, COMPOSITE);
  }

  /** Bits from the start of the struct. */
  memberBitOffset(id: number, i: number): number {
    const offset = this.element(id, i, 2, COMPOSITE);
    return this.kindFlag(id) ? offset & 0xffffff : offset;
  }

  /** Width of a bitfield in bits, 0 for a member that is none. */
  memberBitfieldSize(id: number, i: number): number {
    const offset = this.element(id, i, 2, COMPOSITE);
    return this.kindFlag(id) ? offset >>> 24 : 0;
  }

  enumName(id: number, i: number): string {
    return this.string(this.element(id, i, 0, ENUMS));
  }

  /** Value of an enumerator, signed if the enum is. */
  enumValue(id: number, i: number): bigint {
    const low = this.element(id, i, 1, ENUMS);
    const signed = this.kindFlag(id);
    if (this.kind(id) === BtfKind.ENUM) return BigInt(signed ? low | 0 : low);
    const value = (BigInt(this.element(id, i, 2, ENUMS)) << 32n) | BigInt(low);
    return signed ? BigInt.asIntN(64, value) : value;
  }

  arrayElement(id: number): number {
    return this.property(id, 3, kindMask(BtfKind.ARRAY), 'is not an array');
  }

  /** Type of an array's index. */
  arrayIndex(id: number): number {
    return this.property(id, 4, kindMask(BtfKind.ARRAY), 'is not an array');
  }

  /** Number of elements; 0 for a flexible array member. */
  arrayLength(id: number): number {
    return this.property(id, 5, kindMask(BtfKind.ARRAY), 'is not an array');
  }

  /** Bits of `IntEncoding`. */
  intEncoding(id: number): number {
    return (this.property(id, 3, kindMask(BtfKind.INT), 'is not an integer') >>> 24) & 0xf;
  }

  intOffset(id: number): number {
    return (this.property(id, 3, kindMask(BtfKind.INT), 'is not an integer') >>> 16) & 0xff;
  }

  /** Width in bits: less than the size for bitfields of old compilers and for `_Bool`. */
  intBits(id: number): number {
    return this.property(id, 3, kindMask(BtfKind.INT), 'is not an integer') & 0xff;
  }

  paramName(id: number, i: number): string {
    return this.string(this.element(id, i, 0, kindMask(BtfKind.FUNC_PROTO)));
  }

  /** 0 as the last one means variable arguments. */
  paramType(id: number, i: number): number {
    return this.element(id, i, 1, kindMask(BtfKind.FUNC_PROTO));
  }

  /** The VAR (or, in `.ksyms`, FUNC) of an entry of a DATASEC. */
  secVarType(id: number, i: number): number {
    return this.element(id, i, 0, kindMask(BtfKind.DATASEC));
  }

  secVarOffset(id: number, i: number): number {
    return this.element(id, i, 1, kindMask(BtfKind.DATASEC));
  }

  secVarSize(id: number, i: number): number {
    return this.element(id, i, 2, kindMask(BtfKind.DATASEC));
  }

  /** `Linkage` of a FUNC or VAR. */
  linkage(id: number): number {
    if (this.kind(id) === BtfKind.FUNC) return this.vlen(id);
    return this.property(id, 3, kindMask(BtfKind.VAR), 'has no linkage');
  }

  /** The member or parameter that a DECL_TAG is about, -1 for the whole type. */
  declTagIndex(id: number): number {
    return this.property(id, 3, kindMask(BtfKind.DECL_TAG), 'is not a declaration tag') | 0;
  }

  /** The type without const, volatile, restrict and type tags. */
  skipModifiers(id: number): number {
    return this.skip(id, MODIFIERS);
  }

  /** The type without modifiers and typedefs. */
  resolve(id: number): number {
    return this.skip(id, ALIASES);
  }

  /** Bytes that a value of the type takes, through typedefs and arrays. */
  byteSize(id: number): number {
    return sizeOf(this, id);
  }

  /** Alignment in bytes that a value of the type has in C; 1 for a packed struct. */
  alignment(id: number): number {
    return alignmentOf(this, id);
  }

  /** The type as C writes it, for messages: `struct task_struct`, `const char *`, `int (*)(...)`. */
  describe(id: number): string {
    return describeType(this, id);
  }

  /** The first type of this name and kind, the base's first; 0 if there is none. */
  find(name: string, kind: BtfKind): number {
    const own = () => this.lookUp(kind, (index) => index.named(name, kindMask(kind), 1))[0] ?? 0;
    return this.base?.find(name, kind) || own();
  }

  /** All types of this name and kind, ascending. */
  findAll(name: string, kind: BtfKind): number[] {
    const own = this.lookUp(kind, (index) => index.named(name, kindMask(kind)));
    return [...(this.base?.findAll(name, kind) ?? []), ...own];
  }

  /**
   * The types whose name without flavour is `name`, ascending, those of the base included: what a CO-RE relocation
   * against `name` may mean.
   *
   * @param kinds which kinds count; only kinds that name types, not FUNC, VAR, DATASEC or tags
   */
  candidates(name: string, kinds: readonly BtfKind[]): number[] {
    const own = this.lookUp(BtfKind.STRUCT, (index) => index.essential(name, kindMask(...kinds)));
    return this.base ? [...this.base.candidates(name, kinds), ...own] : own;
  }

  private lookUp(kind: BtfKind, search: (index: NameIndex) => number[]): number[] {
    try {
      return search(this.index(kind));
    } catch (error) {
      if (!(error instanceof WrongPlace)) throw error;
      this.scanAnew();
      return search(this.index(kind));
    }
  }

  /** Built when first asked for: objects seldom look for functions. */
  private index(kind: BtfKind): NameIndex {
    const { indexed } = this;
    if ((TYPE_NAMES >>> kind) & 1) {
      return (this.typeNames ??=
        indexed && this.proof
          ? new NameIndex(this.table(), indexed.types)
          : NameIndex.of(this.table(), this.named));
    }
    if (this.otherNames === undefined) {
      const table = this.table();
      this.otherNames =
        indexed && this.proof
          ? new NameIndex(table, indexed.others)
          : NameIndex.of(table, namedPositions(table, OTHER_NAMES));
    }
    return this.otherNames;
  }

  /** The index is wrong: what it says is found out without it. */
  private scanAnew(): void {
    const { view } = readPreamble(this.bytes, '.BTF', undefined, HEADER_LENGTH);
    const scan = scanTypes(this.words, view, 0);
    this.proof = undefined;
    this.typeNames = this.otherNames = undefined;
    this.offsets = scan.offsets;
    this.named = scan.named;
  }

  private table(): TypeTable {
    const { words, offsets, strings, firstId, proof } = this;
    return { words, offsets, strings, firstId, holds: proof && ((position) => proof.holds(position)) };
  }

  private skip(id: number, kinds: number): number {
    let at = id;
    for (let steps = 0; (kinds >>> this.kind(at)) & 1; steps++) {
      if (steps > MAX_NESTING) throw this.error(id, 'refers to itself, or through too many others');
      at = this.word(at, 2);
    }
    return at;
  }

  private word(id: number, n: number): number {
    if (id >= this.firstId && id < this.endId) {
      if (this.proof?.holds(id - this.firstId) === false) this.scanAnew();
      return this.words[this.offsets[id - this.firstId]! + n]!;
    }
    if (id === 0) return 0;
    if (this.base && id > 0 && id < this.firstId) return this.base.word(id, n);
    throw new BpfError('BTF_MALFORMED', `BTF type [${id}] does not exist`, {
      section: '.BTF',
      expected: `an id below ${this.endId}`,
    });
  }

  private property(id: number, n: number, kinds: number, otherwise: string): number {
    if (!((kinds >>> this.kind(id)) & 1)) throw this.error(id, otherwise);
    return this.word(id, n);
  }

  private element(id: number, i: number, n: number, kinds: number): number {
    const kind = this.kind(id);
    if (!((kinds >>> kind) & 1)) throw this.error(id, 'does not have such elements');
    if (!(i >= 0 && i < this.vlen(id)))
      throw this.error(id, `has ${this.vlen(id)} elements, none with index ${i}`);
    return this.word(id, HEADER_WORDS + elementWords[kind]! * i + n);
  }

  private error(id: number, what: string): BpfError {
    const name = this.name(id);
    const subject = `BTF type [${id}] ${kindName(this.kind(id))}${name === '' ? '' : ` '${name}'`}`;
    return new BpfError('BTF_MALFORMED', `${subject} ${what}`, {
      section: '.BTF',
      symbol: name || undefined,
    });
  }
}

interface Parts {
  readonly words: Uint32Array;
  readonly scan: TypeScan;
  readonly strings: Uint8Array;
  readonly index: TypeIndex | undefined;
}

/** The string section begins with the empty string and ends with NUL; in split BTF it may be empty. */
function checkStrings(view: ByteView, start: number, length: number, split: boolean): void {
  if (length === 0) {
    if (split) return;
    throw view.error('the string section is empty; it has at least the empty string', 20);
  }
  if (view.u8(start + length - 1) !== 0) throw view.error('the last string does not end', start + length - 1);
  if (!split && view.u8(start) !== 0) throw view.error('the first string is not the empty one', start);
}
