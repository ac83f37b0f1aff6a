import { type RelocatedObject } from './relocated';

/** First bytes of a stored relocation result. */
export const MAGIC = 'nxbpfrel';

/** Changes whenever the meaning of the bytes does, or what relocation makes of the same input. */
export const RELOCATED_VERSION = 4;

/** Magic, version and length of the JSON part. */
export const PREFIX_LENGTH = MAGIC.length + 8;

/** Where blobs start, so that instructions and info records lie aligned. */
const ALIGNMENT = 8;

/**
 * A relocated object as bytes, the same for the same object: magic, version and JSON length (32 bits little endian),
 * JSON padded with spaces, then the byte strings that the JSON refers to by offset and length.
 * Read back with `decodeRelocated`.
 *
 * @example
 * ```ts
 * const stored = encodeRelocated(relocated);
 * encodeRelocated(decodeRelocated(stored)).length === stored.length; // true
 * ```
 */
export function encodeRelocated(relocated: RelocatedObject): Uint8Array {
  const blobs: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  let end = 0;
  // The holder's own value: Node's Buffer, a Uint8Array too, has a toJSON that comes before the second argument.
  const json = JSON.stringify(relocated, function (this: Readonly<Record<string, unknown>>, key) {
    const value = this[key];
    if (typeof value === 'bigint') return value.toString();
    if (!(value instanceof Uint8Array)) return value;
    const offset = end;
    blobs.push({ offset, bytes: value });
    end = align(offset + value.length);
    return [offset, value.length];
  });
  const header = new TextEncoder().encode(json);
  const start = align(PREFIX_LENGTH + header.length);
  const bytes = new Uint8Array(start + end);
  bytes.set(new TextEncoder().encode(MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(MAGIC.length, RELOCATED_VERSION, true);
  view.setUint32(MAGIC.length + 4, start - PREFIX_LENGTH, true);
  bytes.set(header, PREFIX_LENGTH);
  bytes.fill(0x20, PREFIX_LENGTH + header.length, start);
  for (const { offset, bytes: blob } of blobs) bytes.set(blob, start + offset);
  return bytes;
}

function align(length: number): number {
  return Math.ceil(length / ALIGNMENT) * ALIGNMENT;
}
