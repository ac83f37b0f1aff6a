/**
 * Messages of rtnetlink(7): the request for all network interfaces, and what of the answer concerns BPF.
 * Layouts: include/uapi/linux/rtnetlink.h and if_link.h.
 */
import {
  attributeNumber,
  attributeText,
  Netlink,
  netlinkAttribute,
  netlinkAttributes,
  netlinkMessage,
  type NetlinkMessage,
} from './netlink-format';

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

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const IFLA_IFNAME = 3;
const IFLA_EXT_MASK = 29;
const IFLA_XDP = 43;
const RTEXT_FILTER_SKIP_STATS = 8;

/** sizeof(struct ifinfomsg), and where in it the index is. */
const linkSize = 16;
const indexAt = 4;

/** `IFLA_XDP_DRV_PROG_ID`, `IFLA_XDP_SKB_PROG_ID`, `IFLA_XDP_HW_PROG_ID`. */
const xdpModes: Readonly<Record<number, XdpMode>> = { 5: 'native', 6: 'generic', 7: 'offload' };

/** RTM_GETLINK for every interface, without their counters. */
export function linkDumpRequest(): Uint8Array {
  return netlinkMessage(
    RTM_GETLINK,
    Netlink.F_REQUEST | Netlink.F_DUMP,
    new Uint8Array(linkSize),
    netlinkAttribute(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS),
  );
}

/** The interface that a message of the answer to {@link linkDumpRequest} tells of; none for another message. */
export function readInterface({ type, body }: NetlinkMessage): NetworkInterface[] {
  if (type !== RTM_NEWLINK || body.length < linkSize) return [];
  let name = '';
  const xdp: XdpAttachment[] = [];
  for (const [attribute, value] of netlinkAttributes(body.subarray(linkSize))) {
    if (attribute === IFLA_IFNAME) name = attributeText(value);
    if (attribute !== IFLA_XDP) continue;
    for (const [inner, programId] of netlinkAttributes(value)) {
      const mode = xdpModes[inner];
      if (mode !== undefined && programId.length >= 4)
        xdp.push({ mode, programId: attributeNumber(programId) });
    }
  }
  return [{ index: attributeNumber(body.subarray(indexAt)), name, xdp }];
}
