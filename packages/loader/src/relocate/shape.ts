import { BpfError } from '../errors';

/**
 * Readers of values that came out of JSON: each checks what it is given and returns it typed. `at` says where in the
 * document the value is, for the error.
 */
export type Shape<T> = (value: unknown, at: string, blobs: Blobs) => T;

/** The byte strings of a document, which JSON refers to by offset and length. */
export interface Blobs {
  readonly object: string;
  readonly bytes: Uint8Array;
}

export function malformed(object: string, at: string, expected: string): BpfError {
  return new BpfError('RELOCATED_MALFORMED', `${object}: stored relocation result is damaged at ${at}`, {
    object,
    expected,
  });
}

function fail(at: string, expected: string, blobs: Blobs): never {
  throw malformed(blobs.object, at, expected);
}

export const text: Shape<string> = (value, at, blobs) =>
  typeof value === 'string' ? value : fail(at, 'text', blobs);

export const flag: Shape<boolean> = (value, at, blobs) =>
  typeof value === 'boolean' ? value : fail(at, 'true or false', blobs);

/** An unsigned 32-bit number. */
export const u32: Shape<number> = (value, at, blobs) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff
    ? value
    : fail(at, 'a number of 32 bits', blobs);

/** An unsigned 64-bit number, which JSON has as text. */
export const u64: Shape<bigint> = (value, at, blobs) =>
  typeof value === 'string' && /^\d{1,20}$/.test(value) && BigInt(value) < 1n << 64n
    ? BigInt(value)
    : fail(at, 'a number of 64 bits', blobs);

/** Offset and length of a byte string: a view, not a copy. */
export const blob: Shape<Uint8Array> = (value, at, blobs) => {
  if (!Array.isArray(value) || value.length !== 2) return fail(at, 'offset and length', blobs);
  const offset = u32(value[0], at, blobs);
  const length = u32(value[1], at, blobs);
  if (offset + length > blobs.bytes.length) return fail(at, `at most ${blobs.bytes.length} bytes`, blobs);
  return blobs.bytes.subarray(offset, offset + length);
};

export function oneOf<T extends string>(...known: readonly T[]): Shape<T> {
  return (value, at, blobs) =>
    known.find((name) => name === value) ?? fail(at, `one of ${known.join(', ')}`, blobs);
}

/** Absent, or of a shape. */
export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, at, blobs) => (value === undefined ? undefined : shape(value, at, blobs));
}

export const absent: Shape<undefined> = (value, at, blobs) =>
  value === undefined ? undefined : fail(at, 'nothing', blobs);

export function list<T>(shape: Shape<T>): Shape<T[]> {
  return (value, at, blobs) =>
    Array.isArray(value)
      ? value.map((item, i) => shape(item, `${at}[${i}]`, blobs))
      : fail(at, 'a list', blobs);
}

/** An object with exactly these fields of interest; what else it has is left out. */
export function record<T extends object>(fields: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const entries = Object.entries(fields) as [string, Shape<unknown>][];
  return (value, at, blobs) => {
    const source = asRecord(value, at, blobs);
    return Object.fromEntries(
      entries.map(([name, shape]) => [name, shape(source[name], `${at}.${name}`, blobs)]),
    ) as T;
  };
}

/** An object whose field `tag` says which of several shapes it has. */
export function tagged<T>(tag: string, shapes: Readonly<Record<string, Shape<T>>>): Shape<T> {
  return (value, at, blobs) => {
    const name = asRecord(value, at, blobs)[tag];
    const shape = typeof name === 'string' && Object.hasOwn(shapes, name) ? shapes[name] : undefined;
    return shape === undefined
      ? fail(`${at}.${tag}`, `one of ${Object.keys(shapes).join(', ')}`, blobs)
      : shape(value, at, blobs);
  };
}

function asRecord(value: unknown, at: string, blobs: Blobs): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : fail(at, 'an object', blobs);
}
