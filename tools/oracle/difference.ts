/** What can be printed and compared: a snapshot consists of nothing else. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Where two values differ, a line for each place: its path, what the first has there and what the second.
 *
 * @example
 * ```ts
 * difference({ maps: { hits: { type: 1 } } }, { maps: { hits: { type: 2 } } }); // ['maps.hits.type: 1 | 2']
 * ```
 */
export function difference(a: Json, b: Json, at = ''): string[] {
  const here = entries(a);
  const there = entries(b);
  if (here === undefined || there === undefined || Array.isArray(a) !== Array.isArray(b)) {
    return Object.is(a, b) ? [] : [`${at === '' ? 'value' : at}: ${show(a)} | ${show(b)}`];
  }
  const keys = [...new Set([...here.keys(), ...there.keys()])];
  return keys.flatMap((key) => {
    const inner = at === '' ? key : `${at}.${key}`;
    const left = here.get(key);
    const right = there.get(key);
    if (left === undefined) return [`${inner}: nothing | ${show(right as Json)}`];
    if (right === undefined) return [`${inner}: ${show(left)} | nothing`];
    return difference(left, right, inner);
  });
}

function entries(value: Json): Map<string, Json> | undefined {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}

function show(value: Json): string {
  return JSON.stringify(value);
}
