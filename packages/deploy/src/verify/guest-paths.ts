/** Where the workspace is in a guest, wherever it is here: so that a result of one checkout is one of any other. */
export const guestRoot = '/workspace';

/**
 * A value with the paths below one directory, also in the middle of texts, as those below another one.
 *
 * @example
 * ```ts
 * moved({ file: '/home/me/p/a.o', text: 'see /home/me/p/b' }, '/home/me/p', '/workspace');
 * // { file: '/workspace/a.o', text: 'see /workspace/b' }
 * ```
 */
export function moved<T>(value: T, from: string, to: string): T {
  const move = (each: unknown): unknown => {
    if (typeof each === 'string') return each === from ? to : each.replaceAll(`${from}/`, () => `${to}/`);
    if (Array.isArray(each)) return each.map(move);
    if (typeof each !== 'object' || each === null || ArrayBuffer.isView(each)) return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, move(inner)]));
  };
  return move(value) as T;
}
