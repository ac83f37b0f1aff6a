import { decodeValue, encodeValue } from '@nx-bpf/loader';
import { familyOf, valueStride, type MapShape } from '../maps';

/**
 * The value of an entry after a program ran on it. In a per-CPU map every CPU has a value, the same for all before; a run
 * changes that of the CPU that it is on. That is the one that counts; where repeated runs were on several CPUs, the sum
 * of what they added.
 *
 * @param before as system calls have it; undefined if there was none
 */
export function entryAfter(shape: MapShape, before: Uint8Array | undefined, now: Uint8Array): Uint8Array {
  if (familyOf(shape.type)?.perCpu !== true) return now;
  const stride = valueStride(shape);
  const cpus = now.length / stride;
  const valueAt = (bytes: Uint8Array, cpu: number): Uint8Array =>
    bytes.subarray(cpu * stride, cpu * stride + shape.valueSize);
  const first = before === undefined ? new Uint8Array(shape.valueSize) : valueAt(before, 0);
  const changed = Array.from({ length: cpus }, (_, cpu) => valueAt(now, cpu)).filter(
    (value) => Buffer.compare(value, first) !== 0,
  );
  if (changed.length < 2) return changed[0] ?? first;
  const { btf, valueTypeId } = shape;
  if (btf === undefined || valueTypeId === 0) return changed[0]!;
  const decoded = (bytes: Uint8Array): unknown => decodeValue(btf, valueTypeId, bytes, 0);
  const start = decoded(first);
  const total = changed.map(decoded).reduce((sum, value) => added(sum, value, start), start);
  const bytes = changed[0]!.slice();
  encodeValue(btf, valueTypeId, total, bytes, 0, { name: shape.name });
  return bytes;
}

/** What a value has more than it had at the start, added number by number; of what is no number, what it is now. */
function added(sum: unknown, value: unknown, start: unknown): unknown {
  if (isInteger(sum) && isInteger(value) && isInteger(start))
    return BigInt(sum) + BigInt(value) - BigInt(start);
  if (typeof value !== 'object' || value === null) return value === start ? sum : value;
  const part = (of: unknown, key: string): unknown => (of as Readonly<Record<string, unknown>>)[key];
  const parts = Object.entries(value).map(
    ([key, each]) => [key, added(part(sum, key), each, part(start, key))] as const,
  );
  return Array.isArray(value) ? parts.map(([, each]) => each) : Object.fromEntries(parts);
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
