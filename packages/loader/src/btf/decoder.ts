import { BpfError } from '../errors';
import { type Btf } from './btf';
import { fieldsOf, isChar, scalarPlace, type Field } from './fields';
import { BtfKind, IntEncoding } from './kinds';
import { hotObjectReader, objectReader } from './read-object';
import { safeNumber, scalarReader, type Reader } from './read-scalar';
import { textReader } from './read-text';

/** What a value of a BTF type is in JavaScript. */
export type DecodedValue =
  number | bigint | boolean | string | readonly DecodedValue[] | { readonly [field: string]: DecodedValue };

/** So many values of a type, and it is one of those that count. */
const oftenRead = 2048;

/** What became of a type: made once, then used for each of its values. */
interface Plan {
  readonly read: Reader<DecodedValue>;
  /** Makes a faster reader of the same, for a type that is read often. */
  readonly hot?: (() => Reader<DecodedValue> | undefined) | undefined;
  /** Bytes from the base that it reads. */
  readonly end: number;
  /** How many values it makes, parts included. */
  readonly values: number;
}

/**
 * Decodes values of one BTF type: what is known of the type is worked out once, so that thousands of elements or
 * records are decoded at the price of their loads. See {@link decodeValue} for what the values are.
 */
export class ValueDecoder {
  /** Bytes of a value. */
  readonly size: number;
  private readonly plan: Plan;
  private read: Reader<DecodedValue>;
  private uses = 0;

  /** @throws BpfError BTF_MALFORMED for a type that has no values */
  constructor(btf: Btf, typeId: number, littleEndian: boolean) {
    this.size = btf.byteSize(typeId);
    this.plan = new Planner(btf, littleEndian).plan(typeId);
    this.read = this.plan.read;
    // Types cannot contain themselves, but nested unions double the values with each level while their size stays the
    // same, and an empty struct can be repeated without end.
    if (this.plan.values > 4096 + 16 * this.size)
      throw error(btf, typeId, 'has too many values for its size');
  }

  /**
   * The value at a byte offset.
   *
   * @throws BpfError BTF_MALFORMED when the bytes end too early
   */
  decode(bytes: Uint8Array, offset = 0): DecodedValue {
    return this.decodeAt(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset);
  }

  /** The same, for who decodes many values from the same bytes. */
  decodeAt(view: DataView, offset: number): DecodedValue {
    const { plan } = this;
    if (offset + plan.end > view.byteLength) {
      throw new BpfError('BTF_MALFORMED', 'a value is shorter than its type', {
        found: `${view.byteLength} bytes`,
        expected: `at least ${offset + plan.end}`,
      });
    }
    if (++this.uses === oftenRead) this.read = plan.hot?.() ?? plan.read;
    return this.read(view, offset);
  }
}

const decoders = new WeakMap<Btf, Map<string, ValueDecoder>>();

/**
 * The decoder of a type, made at its first use.
 *
 * @throws BpfError BTF_MALFORMED for a type that has no values
 *
 * @example
 * ```ts
 * const decoder = decoderOf(btf, btf.find('exec_event', BtfKind.STRUCT));
 * decoder.decode(Uint8Array.of(42, 0, 0, 0, ...new Uint8Array(16))); // { pid: 42, comm: '' }
 * ```
 */
export function decoderOf(btf: Btf, typeId: number, littleEndian = true): ValueDecoder {
  let ofBtf = decoders.get(btf);
  if (ofBtf === undefined) decoders.set(btf, (ofBtf = new Map()));
  const key = `${typeId}${littleEndian ? 'l' : 'b'}`;
  let decoder = ofBtf.get(key);
  if (decoder === undefined) ofBtf.set(key, (decoder = new ValueDecoder(btf, typeId, littleEndian)));
  return decoder;
}

/** Turns types into readers, each type once however often it is part of others. */
class Planner {
  private readonly plans = new Map<number, Plan>();

  constructor(
    private readonly btf: Btf,
    private readonly littleEndian: boolean,
  ) {}

  plan(typeId: number): Plan {
    const id = this.btf.resolve(typeId);
    let plan = this.plans.get(id);
    if (plan === undefined) this.plans.set(id, (plan = this.make(id, typeId)));
    return plan;
  }

  private make(id: number, typeId: number): Plan {
    const { btf } = this;
    switch (btf.kind(id)) {
      case BtfKind.VAR:
        return this.plan(btf.type(id));
      case BtfKind.INT:
      case BtfKind.PTR:
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
        return this.scalar(id, 0, 0);
      case BtfKind.FLOAT:
        return this.float(id);
      case BtfKind.ARRAY:
        return this.array(id);
      case BtfKind.STRUCT:
      case BtfKind.UNION:
      case BtfKind.DATASEC:
        return this.composite(id);
      default:
        throw error(btf, typeId, 'has no values');
    }
  }

  private scalar(id: number, bitOffset: number, bitfieldSize: number): Plan {
    const { btf, littleEndian } = this;
    const place = scalarPlace(btf, id, bitOffset, bitfieldSize);
    const end = Math.ceil((place.bitOffset + place.width) / 8);
    const integer = (signed: boolean) => scalarReader(place.bitOffset, place.width, signed, littleEndian);
    switch (btf.kind(id)) {
      case BtfKind.PTR:
        return { read: integer(false), end, values: 1 };
      case BtfKind.INT: {
        const encoding = btf.intEncoding(id);
        const read = integer((encoding & IntEncoding.SIGNED) !== 0);
        if ((encoding & IntEncoding.BOOL) === 0) return { read, end, values: 1 };
        return { read: (view, base) => Number(read(view, base)) !== 0, end, values: 1 };
      }
      default: {
        const read = integer(btf.kindFlag(id));
        const names = this.enumerators(id);
        const named: Reader<DecodedValue> = (view, base) => {
          const value = read(view, base);
          return names.get(value) ?? value;
        };
        return { read: named, end, values: 1 };
      }
    }
  }

  /** Names by value; of names with the same value the first counts. */
  private enumerators(id: number): ReadonlyMap<number | bigint, string> {
    const names = new Map<number | bigint, string>();
    for (let i = 0; i < this.btf.vlen(id); i++) {
      const value = safeNumber(this.btf.enumValue(id, i));
      if (!names.has(value)) names.set(value, this.btf.enumName(id, i));
    }
    return names;
  }

  private float(id: number): Plan {
    const { littleEndian } = this;
    const size = this.btf.size(id);
    if (size === 4) return { read: (view, base) => view.getFloat32(base, littleEndian), end: 4, values: 1 };
    if (size === 8) return { read: (view, base) => view.getFloat64(base, littleEndian), end: 8, values: 1 };
    throw error(this.btf, id, `is a floating-point type of ${size} bytes`);
  }

  private array(id: number): Plan {
    const { btf } = this;
    const length = btf.arrayLength(id);
    const step = btf.byteSize(btf.arrayElement(id));
    const element = this.plan(btf.arrayElement(id));
    const end = length === 0 ? 0 : (length - 1) * step + element.end;
    const values = 1 + length * element.values;
    const list: Reader<readonly DecodedValue[]> = (view, base) => {
      const found: DecodedValue[] = [];
      for (let i = 0; i < length; i++) found.push(element.read(view, base + i * step));
      return found;
    };
    if (!isChar(btf, btf.arrayElement(id))) return { read: list, end, values };
    const text = textReader(0, length);
    return { read: (view, base) => text(view, base) ?? list(view, base), end, values };
  }

  private composite(id: number): Plan {
    const fields = fieldsOf(this.btf, id);
    const plans = fields.map((field) => this.field(id, field));
    const names = fields.map(({ name }) => name);
    const readers = plans.map(({ read }) => read);
    return {
      read: objectReader(names, readers),
      hot: () => hotObjectReader(names, readers),
      end: Math.max(0, ...plans.map(({ end }) => end)),
      values: plans.reduce((sum, { values }) => sum + values, 1),
    };
  }

  private field(owner: number, { name, type, bitOffset, bitfieldSize }: Field): Plan {
    const { btf } = this;
    const id = btf.resolve(type);
    const kind = btf.kind(id);
    const isScalar =
      kind === BtfKind.INT || kind === BtfKind.PTR || kind === BtfKind.ENUM || kind === BtfKind.ENUM64;
    if (isScalar) return this.scalar(id, bitOffset, bitfieldSize);
    if (bitOffset % 8 !== 0) throw error(btf, owner, `has a field '${name}' between two bytes`);
    const { read, end, values } = this.plan(type);
    const at = bitOffset / 8;
    if (at === 0) return { read, end, values };
    return { read: (view, base) => read(view, base + at), end: at + end, values };
  }
}

function error(btf: Btf, id: number, what: string): BpfError {
  return new BpfError('BTF_MALFORMED', `BTF type [${id}] '${btf.describe(id)}' ${what}`, {
    section: '.BTF',
    symbol: btf.name(id) || undefined,
  });
}
