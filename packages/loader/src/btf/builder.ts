import { BpfError } from '../errors';
import { Btf } from './btf';
import { BTF_MAGIC, BTF_VERSION } from './header';
import { BtfKind, elementWords, HEADER_WORDS, IntEncoding, kindName } from './kinds';
import { littleEndianBytes } from './words';

/** A member of a struct or union. */
export interface MemberInit {
  /** '' for an anonymous one. */
  readonly name: string;
  readonly type: number;
  /** Bits from the start of the struct. */
  readonly bitOffset: number;
  /** Width of a bitfield; left out for a member that is none. */
  readonly bitfieldSize?: number | undefined;
}

export interface EnumeratorInit {
  readonly name: string;
  readonly value: number | bigint;
}

export interface ParamInit {
  readonly name: string;
  readonly type: number;
}

/** An entry of a DATASEC: a VAR (or FUNC), where it is in the section and how long. */
export interface SectionEntry {
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}

/**
 * Writes BTF, little endian: from nothing, or as a changed copy of what an object has. Every method that adds a type
 * returns its id, and ids count up, so `nextId` lets types refer to later ones.
 *
 * @example
 * ```ts
 * const builder = new BtfBuilder();
 * const u32 = builder.int('unsigned int', 4, 0);
 * const pair = builder.struct('pair', 8, [
 *   { name: 'a', type: u32, bitOffset: 0 },
 *   { name: 'b', type: u32, bitOffset: 32 },
 * ]);
 * Btf.parse(builder.build()).describe(pair); // 'struct pair'
 * ```
 */
export class BtfBuilder {
  private readonly words: number[] = [];
  /** Word at which each type begins, by id; id 0 has none. */
  private readonly starts: number[] = [-1];
  private readonly strings: Uint8Array[] = [Uint8Array.of(0)];
  private stringLength = 1;
  private readonly stringOffsets = new Map<string, number>([['', 0]]);

  /** A builder that already holds all types and strings of a BTF, under the same ids and offsets. */
  static from(btf: Btf): BtfBuilder {
    if (btf.base) {
      throw new BpfError('INTERNAL', 'split BTF cannot be copied without its base', { section: '.BTF' });
    }
    const builder = new BtfBuilder();
    for (const word of btf.words) builder.words.push(word);
    for (let id = btf.firstId; id < btf.endId; id++) builder.starts.push(btf.wordOffset(id));
    builder.strings[0] = btf.stringBytes;
    builder.stringLength = btf.stringBytes.length;
    return builder;
  }

  /** The id that the next type will have. */
  get nextId(): number {
    return this.starts.length;
  }

  /** Offset of a string; equal strings added here are kept once. */
  string(text: string): number {
    const known = this.stringOffsets.get(text);
    if (known !== undefined) return known;
    const offset = this.stringLength;
    const bytes = new TextEncoder().encode(`${text}\0`);
    this.strings.push(bytes);
    this.stringLength += bytes.length;
    this.stringOffsets.set(text, offset);
    return offset;
  }

  /** @param encoding bits of `IntEncoding` */
  int(name: string, size: number, encoding: number): number {
    const bits = encoding === IntEncoding.BOOL ? 8 : 8 * size;
    return this.add(BtfKind.INT, name, 0, size, [(encoding << 24) | bits]);
  }

  float(name: string, size: number): number {
    return this.add(BtfKind.FLOAT, name, 0, size);
  }

  pointer(type: number): number {
    return this.add(BtfKind.PTR, '', 0, type);
  }

  array(element: number, index: number, length: number): number {
    return this.add(BtfKind.ARRAY, '', 0, 0, [element, index, length]);
  }

  struct(name: string, size: number, members: readonly MemberInit[]): number {
    return this.composite(BtfKind.STRUCT, name, size, members);
  }

  union(name: string, size: number, members: readonly MemberInit[]): number {
    return this.composite(BtfKind.UNION, name, size, members);
  }

  /** Values of 32 bits; an enum with a negative one is signed. */
  enum(name: string, size: number, values: readonly EnumeratorInit[]): number {
    const elements = values.flatMap(({ name: text, value }) => [this.string(text), Number(value)]);
    return this.add(BtfKind.ENUM, name, values.length, size, elements, values.some(isNegative));
  }

  enum64(name: string, size: number, values: readonly EnumeratorInit[]): number {
    const elements = values.flatMap(({ name: text, value }) => [
      this.string(text),
      Number(BigInt.asUintN(32, BigInt(value))),
      Number(BigInt.asUintN(32, BigInt(value) >> 32n)),
    ]);
    return this.add(BtfKind.ENUM64, name, values.length, size, elements, values.some(isNegative));
  }

  /** A struct, or union, of which only the name is known. */
  forward(name: string, union = false): number {
    return this.add(BtfKind.FWD, name, 0, 0, [], union);
  }

  typedef(name: string, type: number): number {
    return this.add(BtfKind.TYPEDEF, name, 0, type);
  }

  volatile(type: number): number {
    return this.add(BtfKind.VOLATILE, '', 0, type);
  }

  const(type: number): number {
    return this.add(BtfKind.CONST, '', 0, type);
  }

  restrict(type: number): number {
    return this.add(BtfKind.RESTRICT, '', 0, type);
  }

  /** @param linkage of `Linkage` */
  func(name: string, proto: number, linkage: number): number {
    return this.add(BtfKind.FUNC, name, linkage, proto);
  }

  /** A last parameter with type 0 and no name means variable arguments. */
  funcProto(returns: number, params: readonly ParamInit[]): number {
    const elements = params.flatMap(({ name, type }) => [this.string(name), type]);
    return this.add(BtfKind.FUNC_PROTO, '', params.length, returns, elements);
  }

  /** @param linkage of `Linkage` */
  variable(name: string, type: number, linkage: number): number {
    return this.add(BtfKind.VAR, name, 0, type, [linkage]);
  }

  /** Entries are written by offset, as the kernel wants them. */
  datasec(name: string, size: number, entries: readonly SectionEntry[]): number {
    return this.add(BtfKind.DATASEC, name, entries.length, size, sectionWords(entries));
  }

  /** @param index the member or parameter that is tagged, -1 for the type itself */
  declTag(text: string, type: number, index: number): number {
    return this.add(BtfKind.DECL_TAG, text, 0, type, [index]);
  }

  typeTag(text: string, type: number): number {
    return this.add(BtfKind.TYPE_TAG, text, 0, type);
  }

  /** Gives a DATASEC another size and other entries, of which it must have as many as before. */
  setDatasec(id: number, size: number, entries: readonly SectionEntry[]): void {
    const start = this.start(id, BtfKind.DATASEC);
    const count = this.words[start + 1]! & 0xffff;
    if (entries.length !== count) {
      throw new BpfError('INTERNAL', `BTF section [${id}] has ${count} entries, not ${entries.length}`);
    }
    this.words[start + 2] = size;
    sectionWords(entries).forEach((word, i) => (this.words[start + HEADER_WORDS + i] = word));
  }

  /** Changes the `Linkage` of a FUNC or VAR. */
  setLinkage(id: number, linkage: number): void {
    if (this.kind(id) === BtfKind.FUNC) {
      const start = this.start(id, BtfKind.FUNC);
      this.words[start + 1] = infoWord(BtfKind.FUNC, linkage, false);
    } else {
      this.words[this.start(id, BtfKind.VAR) + HEADER_WORDS] = linkage;
    }
  }

  /** Changes the type of a VAR. */
  setVariableType(id: number, type: number): void {
    this.words[this.start(id, BtfKind.VAR) + 2] = type;
  }

  /** Names a parameter of a FUNC_PROTO: the kernel refuses functions with nameless ones. */
  setParamName(id: number, i: number, name: string): void {
    const start = this.start(id, BtfKind.FUNC_PROTO);
    this.words[start + HEADER_WORDS + elementWords[BtfKind.FUNC_PROTO]! * i] = this.string(name);
  }

  /**
   * Puts another type in the place of one, under its id. What follows its header must be as many words as before.
   *
   * @param sizeOrType third word of the header: a size in bytes or the id of a type, as the kind has it
   * @param rest what follows the header; left out, it stays
   */
  replace(
    id: number,
    type: {
      readonly kind: BtfKind;
      readonly name: string;
      readonly vlen: number;
      readonly sizeOrType: number;
      readonly rest?: readonly number[] | undefined;
    },
  ): void {
    const start = this.starts[id]!;
    const end = this.starts[id + 1] ?? this.words.length;
    const { rest } = type;
    if (rest !== undefined && rest.length !== end - start - HEADER_WORDS) {
      throw new BpfError(
        'INTERNAL',
        `BTF type [${id}] has ${end - start - HEADER_WORDS} words, not ${rest.length}`,
      );
    }
    this.words[start] = this.string(type.name);
    this.words[start + 1] = infoWord(type.kind, type.vlen, false);
    this.words[start + 2] = type.sizeOrType;
    rest?.forEach((word, i) => (this.words[start + HEADER_WORDS + i] = word));
  }

  /** The bytes of a `.BTF` section, little endian. */
  build(): Uint8Array {
    const typeLength = 4 * this.words.length;
    const header = [
      BTF_MAGIC | (BTF_VERSION << 16),
      HEADER_LENGTH,
      0,
      typeLength,
      typeLength,
      this.stringLength,
    ];
    const bytes = new Uint8Array(HEADER_LENGTH + typeLength + this.stringLength);
    bytes.set(littleEndianBytes(header), 0);
    bytes.set(littleEndianBytes(this.words), HEADER_LENGTH);
    let at = HEADER_LENGTH + typeLength;
    for (const part of this.strings) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  private composite(
    kind: typeof BtfKind.STRUCT | typeof BtfKind.UNION,
    name: string,
    size: number,
    members: readonly MemberInit[],
  ): number {
    const bitfields = members.some((member) => member.bitfieldSize);
    const elements = members.flatMap((member) => [
      this.string(member.name),
      member.type,
      bitfields ? ((member.bitfieldSize ?? 0) << 24) | member.bitOffset : member.bitOffset,
    ]);
    return this.add(kind, name, members.length, size, elements, bitfields);
  }

  private add(
    kind: BtfKind,
    name: string,
    vlen: number,
    sizeOrType: number,
    rest: readonly number[] = [],
    flag = false,
  ): number {
    const id = this.nextId;
    this.starts.push(this.words.length);
    this.words.push(this.string(name), infoWord(kind, vlen, flag), sizeOrType);
    for (const word of rest) this.words.push(word);
    return id;
  }

  private kind(id: number): number {
    const start = this.starts[id];
    return start === undefined || start < 0 ? BtfKind.VOID : (this.words[start + 1]! >>> 24) & 0x1f;
  }

  private start(id: number, kind: BtfKind): number {
    const found = this.kind(id);
    if (found !== kind) {
      throw new BpfError('INTERNAL', `BTF type [${id}] cannot be changed`, {
        found: kindName(found),
        expected: kindName(kind),
      });
    }
    return this.starts[id]!;
  }
}

const HEADER_LENGTH = 24;

function infoWord(kind: BtfKind, vlen: number, flag: boolean): number {
  return ((flag ? 0x80000000 : 0) | (kind << 24) | vlen) >>> 0;
}

function isNegative({ value }: EnumeratorInit): boolean {
  return value < 0;
}

function sectionWords(entries: readonly SectionEntry[]): number[] {
  return [...entries]
    .sort((a, b) => a.offset - b.offset || a.type - b.type)
    .flatMap(({ type, offset, size }) => [type, offset, size]);
}

/** The same types in little-endian bytes: what a foreign object's BTF becomes before a kernel sees it. */
export function toLittleEndian(btf: Btf): Btf {
  return btf.littleEndian ? btf : Btf.parse(BtfBuilder.from(btf).build(), { trusted: true });
}
