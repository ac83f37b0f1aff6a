import { decodeText } from '../bytes';
import { BpfError } from '../errors';
import { readBits } from './bits';
import { type Btf } from './btf';
import { fieldsOf, type Field, isChar, scalarPlace } from './fields';
import { BtfKind, IntEncoding } from './kinds';

/** What a value of a BTF type is in JavaScript. */
export type DecodedValue =
  number | bigint | boolean | string | readonly DecodedValue[] | { readonly [field: string]: DecodedValue };

/**
 * The value of a type at an offset of some bytes, in JavaScript: integers and pointers are numbers, or bigint where
 * a number would lose digits; `_Bool` is boolean; enums are names, or numbers where none fits; `char[]` is text up
 * to its NUL, or numbers where it is not UTF-8; structs and unions are objects with their anonymous members merged
 * in; arrays are arrays. {@link encodeValue} takes all of it back.
 *
 * @throws BpfError BTF_MALFORMED when the bytes end too early, or the type has no values
 *
 * @example
 * ```ts
 * const bytes = Uint8Array.of(42, 0, 0, 0, ...new TextEncoder().encode('bash'.padEnd(16, '\0')));
 * decodeValue(btf, btf.find('exec_event', BtfKind.STRUCT), bytes, 0); // { pid: 42, comm: 'bash' }
 * ```
 */
export function decodeValue(
  btf: Btf,
  typeId: number,
  bytes: Uint8Array,
  offset: number,
  littleEndian = true,
): DecodedValue {
  return new Decoder(btf, bytes, littleEndian, btf.byteSize(typeId)).value(typeId, 8 * offset, 0);
}

class Decoder {
  private readonly fields = new Map<number, readonly Field[]>();
  /**
   * Values left to decode. Types cannot contain themselves, but nested unions double the values with each level
   * while their size stays the same, and an empty struct can be repeated without end.
   */
  private budget: number;

  constructor(
    private readonly btf: Btf,
    private readonly bytes: Uint8Array,
    private readonly littleEndian: boolean,
    size: number,
  ) {
    this.budget = 4096 + 16 * size;
  }

  value(typeId: number, bitOffset: number, bitfieldSize: number): DecodedValue {
    const { btf } = this;
    if (--this.budget < 0) throw this.error(typeId, 'has too many values for its size');
    const id = btf.resolve(typeId);
    const kind = btf.kind(id);
    switch (kind) {
      case BtfKind.VAR:
        return this.value(btf.type(id), bitOffset, 0);
      case BtfKind.INT:
        return this.integer(id, bitOffset, bitfieldSize);
      case BtfKind.PTR:
        return safeNumber(this.bits(id, bitOffset, bitfieldSize, false));
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
        return this.enumerator(id, bitOffset, bitfieldSize);
      case BtfKind.FLOAT:
        return this.float(id, bitOffset / 8);
      case BtfKind.ARRAY:
        return this.array(id, bitOffset);
      case BtfKind.STRUCT:
      case BtfKind.UNION:
      case BtfKind.DATASEC:
        return Object.fromEntries(
          this.fieldsOf(id).map((field) => [
            field.name,
            this.value(field.type, bitOffset + field.bitOffset, field.bitfieldSize),
          ]),
        );
      default:
        throw this.error(typeId, 'has no values');
    }
  }

  private integer(id: number, bitOffset: number, bitfieldSize: number): number | bigint | boolean {
    const encoding = this.btf.intEncoding(id);
    const value = this.bits(id, bitOffset, bitfieldSize, (encoding & IntEncoding.SIGNED) !== 0);
    return encoding & IntEncoding.BOOL ? value !== 0n : safeNumber(value);
  }

  private enumerator(id: number, bitOffset: number, bitfieldSize: number): string | number | bigint {
    const value = this.bits(id, bitOffset, bitfieldSize, this.btf.kindFlag(id));
    for (let i = 0; i < this.btf.vlen(id); i++) {
      if (this.btf.enumValue(id, i) === value) return this.btf.enumName(id, i);
    }
    return safeNumber(value);
  }

  private float(id: number, offset: number): number {
    const size = this.btf.size(id);
    if (size !== 4 && size !== 8) throw this.error(id, `is a floating-point type of ${size} bytes`);
    const integer = readBits(this.bytes, 8 * offset, 8 * size, this.littleEndian);
    const view = new DataView(new ArrayBuffer(8));
    if (size === 8) {
      view.setBigUint64(0, integer);
      return view.getFloat64(0);
    }
    view.setUint32(0, Number(integer));
    return view.getFloat32(0);
  }

  private array(id: number, bitOffset: number): DecodedValue {
    const { btf } = this;
    const element = btf.arrayElement(id);
    const length = btf.arrayLength(id);
    if (isChar(btf, element)) {
      const text = this.text(bitOffset / 8, length);
      if (text !== undefined) return text;
    }
    const bits = 8 * btf.byteSize(element);
    const values: DecodedValue[] = [];
    for (let i = 0; i < length; i++) values.push(this.value(element, bitOffset + i * bits, 0));
    return values;
  }

  /** Text up to NUL or to the end of the array, undefined where the bytes are not UTF-8. */
  private text(start: number, length: number): string | undefined {
    const bytes = this.bytes.subarray(start, start + length);
    if (bytes.length < length) return undefined;
    const nul = bytes.indexOf(0);
    const text = decodeText(bytes, 0, nul < 0 ? length : nul);
    return text.includes('\ufffd') ? undefined : text;
  }

  private bits(id: number, bitOffset: number, bitfieldSize: number, signed: boolean): bigint {
    const place = scalarPlace(this.btf, id, bitOffset, bitfieldSize);
    const value = readBits(this.bytes, place.bitOffset, place.width, this.littleEndian);
    return signed ? BigInt.asIntN(place.width, value) : value;
  }

  private fieldsOf(id: number): readonly Field[] {
    let fields = this.fields.get(id);
    if (fields === undefined) this.fields.set(id, (fields = fieldsOf(this.btf, id)));
    return fields;
  }

  private error(id: number, what: string): BpfError {
    return new BpfError('BTF_MALFORMED', `BTF type [${id}] '${this.btf.describe(id)}' ${what}`, {
      section: '.BTF',
      symbol: this.btf.name(id) || undefined,
    });
  }
}

function safeNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
