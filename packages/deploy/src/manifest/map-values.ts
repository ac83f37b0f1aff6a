/** By sorted name, so that what walks a config does so in the same order everywhere. */
export function mapValues<T, R>(
  values: Readonly<Record<string, T>>,
  change: (value: T, name: string) => R,
): Record<string, R> {
  return Object.fromEntries(
    Object.keys(values)
      .sort()
      .map((name) => [name, change(values[name]!, name)]),
  );
}
