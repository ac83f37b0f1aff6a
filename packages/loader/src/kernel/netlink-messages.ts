/**
 * Messages of rtnetlink(7): the request for all network interfaces, and what of the answer concerns BPF.
 * Layouts: include/uapi/linux/netlink.h, rtnetlink.h and if_link.h.
 */

/** A network interface, with the XDP programs on it. */
export interface NetworkInterface {
  readonly index: number;
  readonly name: string;
  /** At most one a mode; native and generic are never both there. */
  readonly xdp: readonly XdpAttachment[];
}

export interface XdpAttachment {
  readonly mode: XdpMode;
  readonly programId: number;
}

/** Where the program runs: in the driver, behind it on an allocated packet, or on the network card. */
export type XdpMode = 'native' | 'generic' | 'offload';

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x10;
const IFLA_IFNAME = 3;
const IFLA_EXT_MASK = 29;
const IFLA_XDP = 43;
const RTEXT_FILTER_SKIP_STATS = 8;

/** sizeof(struct nlmsghdr) and sizeof(struct ifinfomsg). */
const headerSize = 16;
const linkSize = 16;

/** `IFLA_XDP_DRV_PROG_ID`, `IFLA_XDP_SKB_PROG_ID`, `IFLA_XDP_HW_PROG_ID`. */
const xdpModes: Readonly<Record<number, XdpMode>> = { 5: 'native', 6: 'generic', 7: 'offload' };

/** RTM_GETLINK for every interface, without their counters. */
export function linkDumpRequest(): Uint8Array {
  const bytes = new Uint8Array(headerSize + linkSize + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, RTM_GETLINK, true);
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true);
  view.setUint16(headerSize + linkSize, 8, true);
  view.setUint16(headerSize + linkSize + 2, IFLA_EXT_MASK, true);
  view.setUint32(headerSize + linkSize + 4, RTEXT_FILTER_SKIP_STATS, true);
  return bytes;
}

/** One datagram of the answer. */
export interface LinkDump {
  readonly interfaces: readonly NetworkInterface[];
  readonly done: boolean;
  /** Interfaces came or went meanwhile: the whole dump is to be asked for again. */
  readonly interrupted: boolean;
  /** A negative error number where the kernel refused, else 0. */
  readonly error: number;
}

/** Read one datagram of the answer to {@link linkDumpRequest}; a record that is cut short ends it. */
export function parseLinkDump(bytes: Uint8Array): LinkDump {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const interfaces: NetworkInterface[] = [];
  let done = false;
  let interrupted = false;
  let error = 0;
  for (let at = 0; at + headerSize <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < headerSize || at + length > bytes.length) break;
    const type = view.getUint16(at + 4, true);
    if ((view.getUint16(at + 6, true) & NLM_F_DUMP_INTR) !== 0) interrupted = true;
    if (type === RTM_NEWLINK) interfaces.push(parseLink(view, at, length));
    if (type === NLMSG_ERROR && length >= headerSize + 4) error = view.getInt32(at + headerSize, true);
    if (type === NLMSG_DONE || type === NLMSG_ERROR) done = true;
    at += align(length);
  }
  return { interfaces, done, interrupted, error };
}

function parseLink(view: DataView, at: number, length: number): NetworkInterface {
  let name = '';
  const xdp: XdpAttachment[] = [];
  const index = length >= headerSize + linkSize ? view.getInt32(at + headerSize + 4, true) : 0;
  for (const [type, start, end] of attributes(view, at + headerSize + linkSize, at + length)) {
    if (type === IFLA_IFNAME) name = text(view, start, end);
    if (type !== IFLA_XDP) continue;
    for (const [inner, from, to] of attributes(view, start, end)) {
      const mode = xdpModes[inner];
      if (mode !== undefined && to - from >= 4) xdp.push({ mode, programId: view.getUint32(from, true) });
    }
  }
  return { index, name, xdp };
}

/** `struct nlattr` records: type without its flag bits, where the payload starts and ends. */
function* attributes(view: DataView, start: number, end: number): Generator<[number, number, number]> {
  for (let at = start; at + 4 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return;
    yield [view.getUint16(at + 2, true) & 0x3fff, at + 4, at + length];
    at += align(length);
  }
}

function text(view: DataView, start: number, end: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + start, end - start);
  return Buffer.from(bytes).toString('utf8').replace(/\0.*$/s, '');
}

function align(length: number): number {
  return (length + 3) & ~3;
}
