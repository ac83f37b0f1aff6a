import { type KconfigType } from './kconfig-type';

/**
 * A configuration value as the bytes of an extern. Which letter or number goes into which C type is libbpf's rule:
 * `y`, `m` and `n` into bool (not `m`), tristate and char; numbers into integers, char, and bool (0 and 1); quoted text
 * into char[].
 *
 * @param text as written in the configuration: `y`, `250`, `0xffffffff80000000`, `"(none)"`
 * @returns the bytes, as many as the type has, or what is wrong
 */
export function encodeKconfig(type: KconfigType, text: string, littleEndian: boolean): Uint8Array | string {
  if (text === 'y' || text === 'm' || text === 'n') return encodeLetter(type, text, littleEndian);
  if (text.startsWith('"')) return encodeText(type, text);
  const number = parseNumber(text);
  return number === undefined
    ? `its value ${text} is no number`
    : encodeKconfigNumber(type, number, littleEndian);
}

/** A number as the bytes of an extern, see {@link encodeKconfig}. */
export function encodeKconfigNumber(
  type: KconfigType,
  value: bigint,
  littleEndian: boolean,
): Uint8Array | string {
  if (type.kind === 'bool') {
    if (value !== 0n && value !== 1n) return `its value ${value} is neither 0 nor 1, the extern is bool`;
    return Uint8Array.of(Number(value));
  }
  if (type.kind !== 'int' && type.kind !== 'char')
    return `its value ${value} is a number, the extern is ${name(type)}`;
  const size = type.kind === 'char' ? 1 : type.size;
  const bits = size * 8;
  // 64-bit values are taken with either sign: the configuration writes addresses without one.
  const fits =
    bits === 64 || (type.signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value;
  if (!fits) return `its value ${value} does not fit into ${name(type)}`;
  return integer(size, value, littleEndian);
}

const tristate = { n: 0n, y: 1n, m: 2n };

function encodeLetter(
  type: KconfigType,
  letter: 'y' | 'm' | 'n',
  littleEndian: boolean,
): Uint8Array | string {
  switch (type.kind) {
    case 'bool':
      if (letter === 'm') return 'its value is m (a module), which no bool can say: use enum libbpf_tristate';
      return Uint8Array.of(letter === 'y' ? 1 : 0);
    case 'tristate':
      return integer(type.size, tristate[letter], littleEndian);
    case 'char':
      return Uint8Array.of(letter.charCodeAt(0));
    default:
      return `its value is ${letter}, the extern is ${name(type)}: use bool, char or enum libbpf_tristate`;
  }
}

function encodeText(type: KconfigType, text: string): Uint8Array | string {
  if (type.kind !== 'text') return `its value ${text} is text, the extern is ${name(type)}: use char[]`;
  if (text.length < 2 || !text.endsWith('"')) return `its value ${text} has no closing quote`;
  const bytes = new Uint8Array(type.size);
  bytes.set(new TextEncoder().encode(text.slice(1, -1)).subarray(0, type.size - 1));
  return bytes;
}

/** Decimal, hexadecimal or octal, as C reads it; undefined for anything else and what needs more than 64 bits. */
function parseNumber(text: string): bigint | undefined {
  const match = /^([+-]?)(?:(0[xX][0-9a-fA-F]{1,32})|0([0-7]{1,32})|(\d{1,32}))$/.exec(text);
  if (match === null) return undefined;
  const [, sign, hex, octal, decimal] = match;
  const size = BigInt(hex ?? (octal === undefined ? decimal! : `0o${octal}`));
  const value = sign === '-' ? -size : size;
  return value < -(1n << 63n) || value >= 1n << 64n ? undefined : value;
}

function integer(size: number, value: bigint, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), littleEndian);
  return littleEndian ? bytes.slice(0, size) : bytes.slice(8 - size);
}

function name(type: KconfigType): string {
  switch (type.kind) {
    case 'bool':
    case 'char':
      return type.kind;
    case 'tristate':
      return 'enum libbpf_tristate';
    case 'int':
      return `${type.signed ? 'a signed' : 'an unsigned'} integer of ${type.size} bytes`;
    case 'text':
      return `char[${type.size}]`;
  }
}
