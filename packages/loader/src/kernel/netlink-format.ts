/**
 * How messages of netlink(7) are put together and taken apart: a header, a struct of the subsystem, and attributes,
 * each padded to 4 bytes. Source: include/uapi/linux/netlink.h.
 */

export const Netlink = {
  ERROR: 2,
  DONE: 3,
  F_REQUEST: 1,
  F_ACK: 4,
  F_ECHO: 8,
  F_REPLACE: 0x100,
  F_EXCL: 0x200,
  F_CREATE: 0x400,
  F_DUMP: 0x300,
  F_DUMP_INTR: 0x10,
} as const;

/** Flags of an answer of type ERROR: only the header of the request is repeated; attributes follow. */
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** sizeof(struct nlmsghdr). */
const headerSize = 16;

/**
 * A message.
 *
 * @param parts the subsystem's struct and the attributes; each is padded
 *
 * @example
 * ```ts
 * netlinkMessage(RTM_GETQDISC, Netlink.F_REQUEST | Netlink.F_DUMP, new Uint8Array(20));
 * ```
 */
export function netlinkMessage(type: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = padded(parts);
  const bytes = new Uint8Array(headerSize + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  bytes.set(body, headerSize);
  return bytes;
}

/**
 * An attribute: bytes, a number of 32 bits, text, which gets its NUL, or attributes inside it.
 *
 * @example
 * ```ts
 * netlinkAttribute(TCA_KIND, 'clsact');
 * ```
 */
export function netlinkAttribute(
  type: number,
  value: Uint8Array | number | string | readonly Uint8Array[],
): Uint8Array {
  const payload =
    typeof value === 'number'
      ? new Uint8Array(Uint32Array.of(value).buffer)
      : typeof value === 'string'
        ? Buffer.from(`${value}\0`)
        : value instanceof Uint8Array
          ? value
          : padded(value);
  const bytes = new Uint8Array(4 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length, true);
  view.setUint16(2, type, true);
  bytes.set(payload, 4);
  return bytes;
}

function padded(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + align(part.length), 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += align(part.length);
  }
  return bytes;
}

/** A message of a datagram. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  /** What follows the header. */
  readonly body: Uint8Array;
}

/** The messages of a datagram; one that is cut short ends it. */
export function* netlinkMessages(bytes: Uint8Array): Generator<NetlinkMessage> {
  const view = viewOf(bytes);
  for (let at = 0; at + headerSize <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < headerSize || at + length > bytes.length) return;
    yield {
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      body: bytes.subarray(at + headerSize, at + length),
    };
    at += align(length);
  }
}

/** The attributes in some bytes, by type without its flag bits; one that is cut short ends them. */
export function* netlinkAttributes(bytes: Uint8Array): Generator<readonly [type: number, value: Uint8Array]> {
  const view = viewOf(bytes);
  for (let at = 0; at + 4 <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > bytes.length) return;
    yield [view.getUint16(at + 2, true) & 0x3fff, bytes.subarray(at + 4, at + length)];
    at += align(length);
  }
}

/** The number in an attribute of at least 4 bytes; 0 in a shorter one. */
export function attributeNumber(value: Uint8Array | undefined): number {
  return value === undefined || value.length < 4 ? 0 : viewOf(value).getUint32(0, true);
}

/** The text in an attribute, up to its NUL. */
export function attributeText(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? [])
    .toString('utf8')
    .replace(/\0.*$/s, '');
}

/** What an answer of type ERROR or DONE says: 0 or a negative error number, and the kernel's words for it, if any. */
export function netlinkError({ type, flags, body }: NetlinkMessage): {
  readonly error: number;
  readonly text: string;
} {
  if (body.length < 4) return { error: 0, text: '' };
  const view = viewOf(body);
  const error = view.getInt32(0, true);
  if ((flags & NLM_F_ACK_TLVS) === 0 || body.length < 4 + headerSize) return { error, text: '' };
  // The request is repeated before the attributes, whole when it was refused; at the end of a dump it is not.
  const refused = (flags & NLM_F_CAPPED) === 0 ? view.getUint32(4, true) : headerSize;
  const repeated = type === Netlink.DONE ? 0 : refused;
  const attributes = new Map(netlinkAttributes(body.subarray(4 + align(repeated))));
  return { error, text: attributeText(attributes.get(NLMSGERR_ATTR_MSG)) };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function align(length: number): number {
  return (length + 3) & ~3;
}
