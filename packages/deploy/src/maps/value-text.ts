/**
 * A value of a map, variable or event as JSON: what BTF typed, with 64-bit integers that a JavaScript number would
 * round as text of their digits, and bytes without a type as {@link hexText}. `nx-bpf map update` takes both back.
 *
 * @example
 * ```ts
 * valueJson({ bytes: 1n << 60n }); // '{"bytes":"1152921504606846976"}'
 * ```
 */
export function valueJson(value: unknown): string {
  return JSON.stringify(plain(value));
}

/** The result of a command as JSON: numbers as {@link valueJson} has them. */
export function resultJson(result: unknown, indent?: number): string {
  const exact = (_: string, part: unknown): unknown => (typeof part === 'bigint' ? plain(part) : part);
  return JSON.stringify(result, exact, indent);
}

/** The same value as plain data, for a result that is printed as a whole. */
export function plain(value: unknown): unknown {
  if (typeof value === 'bigint') {
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  }
  if (value instanceof Uint8Array) return hexText(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
}

/**
 * Bytes as pairs of digits: `0a 00 00 ff`.
 *
 * @example
 * ```ts
 * hexText(Uint8Array.of(10, 255)); // '0a ff'
 * ```
 */
export function hexText(bytes: Uint8Array): string {
  let text = bytes.length === 0 ? '' : pairs[bytes[0]!]!;
  for (let i = 1; i < bytes.length; i++) text += ` ${pairs[bytes[i]!]!}`;
  return text;
}

const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * A value as people read it, on one line.
 *
 * @example
 * ```ts
 * valueText({ packets: 3, comm: 'bash', rates: [1, 2] }); // '{ packets: 3, comm: "bash", rates: [1, 2] }'
 * ```
 */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return hexText(value);
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.entries(value).map(([name, part]) => `${name}: ${valueText(part)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
