const sizeUnits: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `4MiB`, `64 KiB`. */
export const sizePattern = /^(\d{1,10}) ?(B|KiB|MiB|GiB)$/;
/** `30s`, `500ms`. */
export const durationPattern = /^(\d{1,9}) ?(ms|s|m|h)$/;

/**
 * The number that a count or size of the manifest stands for.
 *
 * @example
 * ```ts
 * parseSize('4MiB'); // 4194304
 * ```
 */
export function parseSize(text: string | number): number {
  return typeof text === 'number' ? text : withUnit(text, sizePattern, sizeUnits);
}

/**
 * Milliseconds of a duration.
 *
 * @example
 * ```ts
 * parseDuration('30s'); // 30000
 * ```
 */
export function parseDuration(text: string): number {
  return withUnit(text, durationPattern, durationUnits);
}

/** Callers come after the schema, which holds the same pattern: NaN tells of a mistake of ours. */
function withUnit(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number {
  const [, count, unit] = pattern.exec(text) ?? [];
  return Number(count) * units[unit ?? '']!;
}
