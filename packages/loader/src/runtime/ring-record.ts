/**
 * How records lie in a ring buffer: a header (struct bpf_ringbuf_hdr), the bytes, and padding to 8 bytes. Source:
 * Documentation/bpf/ringbuf.rst.
 */

/** sizeof(struct bpf_ringbuf_hdr): u32 length and bits, u32 page offset. */
export const recordHeader = 8;

/** Bytes that a record of some length takes. */
export function recordSpace(length: number): number {
  return (recordHeader + length + 7) & ~7;
}
