/**
 * Whether values out of JSON have the fields that our code relies on: JSON that we wrote, but that somebody else may
 * have changed. A shape returns what is wrong first, with its place; undefined if nothing is.
 */
export type JsonShape = (value: unknown, at: string) => string | undefined;

export const text: JsonShape = (value, at) =>
  typeof value === 'string' ? undefined : wrong(value, at, 'text');

export const flag: JsonShape = (value, at) =>
  typeof value === 'boolean' ? undefined : wrong(value, at, 'true or false');

/** A whole number from 0 on. */
export const count: JsonShape = (value, at) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? undefined
    : wrong(value, at, 'a whole number from 0 on');

export const anything: JsonShape = () => undefined;

export function oneOf(words: readonly (string | number | boolean | null)[]): JsonShape {
  return (value, at) =>
    words.includes(value as string) ? undefined : wrong(value, at, `one of ${words.join(', ')}`);
}

export function nullable(shape: JsonShape): JsonShape {
  return (value, at) => (value === null ? undefined : shape(value, at));
}

/** Absent, or of a shape. */
export function optional(shape: JsonShape): JsonShape {
  return (value, at) => (value === undefined ? undefined : shape(value, at));
}

/** Of any of several shapes: what is wrong is said of the last. */
export function either(...shapes: readonly JsonShape[]): JsonShape {
  return (value, at) => {
    let problem: string | undefined;
    for (const shape of shapes) {
      problem = shape(value, at);
      if (problem === undefined) return undefined;
    }
    return problem;
  };
}

export function list(item: JsonShape): JsonShape {
  return (value, at) =>
    Array.isArray(value)
      ? first(value.length, (i) => item(value[i], `${at}[${i}]`))
      : wrong(value, at, 'a list');
}

/** Values of one shape, by names. */
export function dictionary(item: JsonShape): JsonShape {
  return (value, at) => {
    if (!isObject(value)) return wrong(value, at, 'an object');
    const names = Object.keys(value);
    return first(names.length, (i) => item(value[names[i]!], `${at}.${names[i]}`));
  };
}

/** An object with at least these fields. */
export function record(fields: Readonly<Record<string, JsonShape>>): JsonShape {
  const entries = Object.entries(fields);
  return (value, at) =>
    isObject(value)
      ? first(entries.length, (i) => {
          const [name, shape] = entries[i]!;
          return shape(Object.hasOwn(value, name) ? value[name] : undefined, `${at}.${name}`);
        })
      : wrong(value, at, 'an object');
}

function first(length: number, problemOf: (i: number) => string | undefined): string | undefined {
  for (let i = 0; i < length; i++) {
    const problem = problemOf(i);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(value: unknown, at: string, expected: string): string {
  const found =
    value === undefined
      ? 'nothing'
      : JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
  return `${at}: found ${found.length > 60 ? `${found.slice(0, 57)}...` : found}, expected ${expected}`;
}
