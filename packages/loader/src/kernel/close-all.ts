/**
 * Close many things in their order: all of them, even when one of them fails.
 *
 * @throws what the first that failed has thrown, after the last is closed
 *
 * @example
 * ```ts
 * closeAll([new Fd(openPath('/dev/null'), 'a file'), new Fd(openPath('/dev/zero'), 'another')]);
 * ```
 */
export function closeAll(things: Iterable<{ close(): void }>): void {
  const errors: unknown[] = [];
  for (const thing of things) {
    try {
      thing.close();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
