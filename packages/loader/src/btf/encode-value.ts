import { inspect } from 'node:util';
import { ipBytes, macBytes } from '../bytes';
import { BpfError, nearest } from '../errors';
import { writeBits } from './bits';
import { type Btf } from './btf';
import { fieldsOf, type Field, isChar, scalarPlace } from './fields';
import { BtfKind, IntEncoding } from './kinds';

/** How {@link encodeValue} writes, and what it calls the value in an error. */
export interface EncodeOptions {
  /** Byte order of `into`; little endian if left out. */
  readonly littleEndian?: boolean | undefined;
  /** Name of the variable or map key, which errors begin with. */
  readonly name?: string | undefined;
}

/**
 * Writes a JavaScript value as a value of a BTF type. Integers are numbers, bigint or text (`"0xffffffffffffffff"`);
 * `_Bool` is boolean, 0 or 1; enums are names or numbers; `char[]` is text, the rest of the array becomes zero;
 * structs and unions are objects, arrays are lists; any type can be given as the Uint8Array of its bytes. An IPv4
 * address as text goes into what has 4 bytes (`__u32`, `__be32`, `__u8[4]`, `struct in_addr`), an IPv6 address into 16,
 * a MAC address into 6, in network order. Fields and elements that the value does not mention keep what `into` has.
 *
 * @param offset of the value in `into`, in bytes
 * @throws BpfError CONSTANT_INVALID naming the part, its C type and its range, when the value does not fit;
 * BTF_MALFORMED when `into` is too short
 *
 * @example
 * ```ts
 * const id = btf.find('config', BtfKind.STRUCT);
 * const bytes = new Uint8Array(btf.byteSize(id));
 * encodeValue(btf, id, { port: 443, mode: 'MODE_DROP', comm: 'nginx' }, bytes, 0, { name: 'config' });
 * bytes.subarray(0, 2); // Uint8Array.of(0xbb, 0x01)
 * ```
 */
export function encodeValue(
  btf: Btf,
  typeId: number,
  value: unknown,
  into: Uint8Array,
  offset: number,
  options: EncodeOptions = {},
): void {
  new Encoder(btf, into, options.littleEndian ?? true).value(
    typeId,
    value,
    8 * offset,
    0,
    options.name ?? '',
  );
}

const utf8 = new TextEncoder();

const INTEGER_TEXT = /^-?(0[xX][0-9a-fA-F]+|[0-9]+)$/;

class Encoder {
  private readonly view: DataView;

  constructor(
    private readonly btf: Btf,
    private readonly into: Uint8Array,
    private readonly littleEndian: boolean,
  ) {
    this.view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  }

  /** `path` is how C code would name the part: `config.rules[2].port`. */
  value(typeId: number, value: unknown, bitOffset: number, bitfieldSize: number, path: string): void {
    const { btf } = this;
    const id = btf.resolve(typeId);
    const invalid = (expected: string, hint?: string): BpfError =>
      this.invalid(path, typeId, value, expected, hint);
    if (value instanceof Uint8Array && bitfieldSize === 0) return this.raw(id, value, bitOffset / 8, invalid);
    switch (btf.kind(id)) {
      case BtfKind.VAR:
        return this.value(btf.type(id), value, bitOffset, 0, path);
      case BtfKind.INT:
        return this.integer(id, value, bitOffset, bitfieldSize, invalid);
      case BtfKind.PTR:
        return this.scalar(
          id,
          value === null ? 0n : integerOf(value),
          false,
          bitOffset,
          bitfieldSize,
          invalid,
        );
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
        return this.enumerator(id, value, bitOffset, bitfieldSize, invalid);
      case BtfKind.FLOAT:
        return this.float(id, value, bitOffset / 8, invalid);
      case BtfKind.ARRAY:
        return this.array(id, value, bitOffset, path, invalid);
      case BtfKind.STRUCT:
      case BtfKind.UNION:
      case BtfKind.DATASEC:
        return this.composite(id, value, bitOffset, path, invalid);
      default:
        throw invalid('a type that has values');
    }
  }

  private raw(id: number, value: Uint8Array, offset: number, invalid: Invalid): void {
    const size = this.btf.byteSize(id);
    if (value.length !== size) throw invalid(`${size} bytes`);
    this.place(value, offset);
  }

  private integer(
    id: number,
    value: unknown,
    bitOffset: number,
    bitfieldSize: number,
    invalid: Invalid,
  ): void {
    const encoding = this.btf.intEncoding(id);
    if (encoding & IntEncoding.BOOL) {
      const flag = value === true || value === 1 || value === 1n;
      if (!flag && value !== false && value !== 0 && value !== 0n) throw invalid('true or false');
      return this.bits(id, flag ? 1n : 0n, bitOffset, bitfieldSize);
    }
    const signed = (encoding & IntEncoding.SIGNED) !== 0;
    if (typeof value === 'number' && this.number(id, value, signed, bitOffset, bitfieldSize)) return;
    if (bitfieldSize === 0 && !signed && this.address(id, value, bitOffset)) return;
    const code = isChar(this.btf, id) ? characterCode(value) : undefined;
    this.scalar(id, code ?? integerOf(value), signed, bitOffset, bitfieldSize, invalid);
  }

  private enumerator(
    id: number,
    value: unknown,
    bitOffset: number,
    bitfieldSize: number,
    invalid: Invalid,
  ): void {
    const { btf } = this;
    if (typeof value === 'number' && this.number(id, value, btf.kindFlag(id), bitOffset, bitfieldSize))
      return;
    const integer = integerOf(value);
    if (integer !== undefined) {
      return this.scalar(id, integer, btf.kindFlag(id), bitOffset, bitfieldSize, invalid);
    }
    const names = Array.from({ length: btf.vlen(id) }, (_, i) => btf.enumName(id, i));
    const index = typeof value === 'string' ? names.indexOf(value) : -1;
    if (index < 0) throw invalid(`a name of the enum or an integer`, suggestion(String(value), names));
    this.scalar(id, btf.enumValue(id, index), btf.kindFlag(id), bitOffset, bitfieldSize, invalid);
  }

  /**
   * Most integers are whole bytes, and numbers: written without a bigint, at a tenth of its price.
   *
   * @returns false for all others, also for those that do not fit
   */
  private number(
    id: number,
    value: number,
    signed: boolean,
    bitOffset: number,
    bitfieldSize: number,
  ): boolean {
    const place = scalarPlace(this.btf, id, bitOffset, bitfieldSize);
    const { width } = place;
    const at = place.bitOffset / 8;
    if (!Number.isSafeInteger(value) || !Number.isInteger(at) || at + width / 8 > this.into.length)
      return false;
    const high = 2 ** (signed ? width - 1 : width);
    if (value >= high || value < (signed ? -high : 0)) return false;
    switch (width) {
      case 8:
        this.view.setInt8(at, value);
        return true;
      case 16:
        this.view.setInt16(at, value, this.littleEndian);
        return true;
      case 32:
        this.view.setInt32(at, value, this.littleEndian);
        return true;
      case 64: {
        const upper = Math.floor(value / 0x100000000);
        this.view.setInt32(at + (this.littleEndian ? 4 : 0), upper, this.littleEndian);
        this.view.setUint32(at + (this.littleEndian ? 0 : 4), value - upper * 0x100000000, this.littleEndian);
        return true;
      }
      default:
        return false;
    }
  }

  private scalar(
    id: number,
    value: bigint | undefined,
    signed: boolean,
    bitOffset: number,
    bitfieldSize: number,
    invalid: Invalid,
  ): void {
    const { width } = scalarPlace(this.btf, id, bitOffset, bitfieldSize);
    const low = signed ? -(1n << BigInt(width - 1)) : 0n;
    const high = (1n << BigInt(signed ? width - 1 : width)) - 1n;
    if (value === undefined) throw invalid(`an integer from ${low} to ${high}`, UNSAFE_HINT);
    if (value < low || value > high) throw invalid(`${low} to ${high}`);
    this.bits(id, value, bitOffset, bitfieldSize);
  }

  private float(id: number, value: unknown, offset: number, invalid: Invalid): void {
    const size = this.btf.size(id);
    if (size !== 4 && size !== 8) throw invalid('a floating-point type of 4 or 8 bytes');
    if (typeof value !== 'number') throw invalid('a number');
    if (size === 4 && Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      throw invalid('a number up to 3.4028e38');
    }
    const view = new DataView(new ArrayBuffer(size));
    if (size === 8) view.setFloat64(0, value, this.littleEndian);
    else view.setFloat32(0, value, this.littleEndian);
    this.place(new Uint8Array(view.buffer), offset);
  }

  private array(id: number, value: unknown, bitOffset: number, path: string, invalid: Invalid): void {
    const { btf } = this;
    const element = btf.arrayElement(id);
    const length = btf.arrayLength(id);
    if (typeof value === 'string') {
      if (this.address(id, value, bitOffset)) return;
      if (!isChar(btf, element))
        throw invalid(`${addressKind(btf.byteSize(id))}a list of up to ${length} elements`);
      const text = utf8.encode(value);
      if (text.length > length) throw invalid(`text of up to ${length} bytes in UTF-8, found ${text.length}`);
      const padded = new Uint8Array(length);
      padded.set(text);
      return this.place(padded, bitOffset / 8);
    }
    if (!Array.isArray(value) || value.length > length) throw invalid(`a list of up to ${length} elements`);
    const bits = 8 * btf.byteSize(element);
    value.forEach((item, i) => this.value(element, item, bitOffset + i * bits, 0, `${path}[${i}]`));
  }

  private composite(id: number, value: unknown, bitOffset: number, path: string, invalid: Invalid): void {
    if (this.address(id, value, bitOffset)) return;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw invalid(`${addressKind(this.btf.byteSize(id))}an object of its fields`);
    const given = new Map(Object.entries(value));
    for (const field of fieldsOf(this.btf, id)) {
      if (!given.has(field.name)) continue;
      this.field(field, given.get(field.name), bitOffset, path);
      given.delete(field.name);
    }
    const [unknown] = given.keys();
    if (unknown === undefined) return;
    const names = fieldsOf(this.btf, id).map((field) => field.name);
    throw new BpfError(
      'CONSTANT_INVALID',
      `${path || 'the value'}: '${this.btf.describe(id)}' has no field`,
      {
        symbol: path || undefined,
        found: `'${unknown}'`,
        hint: suggestion(unknown, names) ?? `its fields are ${names.slice(0, 10).join(', ')}`,
      },
    );
  }

  /** Text that is an address of as many bytes as the type has; `char[]` holds text as it is. */
  private address(id: number, value: unknown, bitOffset: number): boolean {
    if (typeof value !== 'string') return false;
    const { btf } = this;
    if (btf.kind(id) === BtfKind.ARRAY && isChar(btf, btf.arrayElement(id))) return false;
    const bytes = ipBytes(value) ?? macBytes(value);
    if (bytes?.length !== btf.byteSize(id)) return false;
    this.place(bytes, bitOffset / 8);
    return true;
  }

  private field(field: Field, value: unknown, bitOffset: number, path: string): void {
    const name = path === '' ? field.name : `${path}.${field.name}`;
    this.value(field.type, value, bitOffset + field.bitOffset, field.bitfieldSize, name);
  }

  private bits(id: number, value: bigint, bitOffset: number, bitfieldSize: number): void {
    const place = scalarPlace(this.btf, id, bitOffset, bitfieldSize);
    writeBits(this.into, place.bitOffset, place.width, value, this.littleEndian);
  }

  private place(bytes: Uint8Array, offset: number): void {
    if (offset + bytes.length > this.into.length) {
      throw new BpfError('BTF_MALFORMED', 'a value is longer than the bytes it goes into', {
        found: `${this.into.length} bytes`,
        expected: `at least ${offset + bytes.length}`,
      });
    }
    this.into.set(bytes, offset);
  }

  private invalid(path: string, typeId: number, value: unknown, expected: string, hint?: string): BpfError {
    const what = `${path || 'the value'} does not fit its C type '${this.btf.describe(typeId)}'`;
    const unsafe = typeof value === 'number' && !Number.isSafeInteger(value);
    return new BpfError('CONSTANT_INVALID', what, {
      symbol: path || undefined,
      found: show(value),
      expected,
      hint: hint === UNSAFE_HINT && !unsafe ? undefined : hint,
    });
  }
}

type Invalid = (expected: string, hint?: string) => BpfError;

const UNSAFE_HINT = 'numbers beyond 2^53 are written as text';

/** What address a type of so many bytes may hold, for a message that goes on with what else it may. */
function addressKind(size: number): string {
  const kind = { 4: 'an IPv4 address', 6: 'a MAC address', 16: 'an IPv6 address' }[size];
  return kind === undefined ? '' : `${kind} or `;
}

/** The integer that a value says exactly, undefined if it says none. */
function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value !== 'string' || !INTEGER_TEXT.test(value)) return undefined;
  return value.startsWith('-') ? -BigInt(value.slice(1)) : BigInt(value);
}

/** A `char` can be given as the ASCII character. */
function characterCode(value: unknown): bigint | undefined {
  if (typeof value !== 'string' || value.length !== 1) return undefined;
  const code = value.charCodeAt(0);
  return code < 0x80 ? BigInt(code) : undefined;
}

function suggestion(name: string, known: readonly string[]): string | undefined {
  const near = nearest(name, known);
  return near.length === 0 ? undefined : `did you mean ${near.join(' or ')}?`;
}

/** A value for a message: on one line, and short. */
function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  const text =
    typeof value === 'bigint' ? String(value) : inspect(value, { depth: 1, breakLength: Infinity });
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
