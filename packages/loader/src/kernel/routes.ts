/**
 * Routes whose packets run a program (lightweight tunnels), through rtnetlink(7). Layouts:
 * include/uapi/linux/rtnetlink.h, lwtunnel.h and seg6_local.h.
 */
import { routeDump, routeRequest, type RouteAnswer } from './netlink';
import {
  attributeNumber,
  attributeText,
  Netlink,
  netlinkAttribute,
  netlinkAttributes,
  netlinkMessage,
} from './netlink-format';

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_TABLE = 15;
const RTA_ENCAP_TYPE = 21;
const RTA_ENCAP = 22;

const LWTUNNEL_ENCAP_BPF = 6;
const LWTUNNEL_ENCAP_SEG6_LOCAL = 7;
const LWT_BPF_XMIT_HEADROOM = 4;
const SEG6_LOCAL_ACTION = 1;
const SEG6_LOCAL_BPF = 8;
const SEG6_LOCAL_ACTION_END_BPF = 15;

/** Where in the encapsulation a program is: LWT_BPF_IN, LWT_BPF_OUT, LWT_BPF_XMIT; the fourth is of SEG6_LOCAL. */
export const lwtPlaces = { in: 1, out: 2, xmit: 3, seg6local: SEG6_LOCAL_BPF } as const;

/** Inside such a place: LWT_BPF_PROG_FD and LWT_BPF_PROG_NAME, and SEG6_LOCAL_BPF_PROG and ..._NAME alike. */
const PROG = 1;
const PROG_NAME = 2;

const AF_INET = 2;
const AF_INET6 = 10;
const RTPROT_STATIC = 4;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RTN_UNICAST = 1;
const RT_TABLE_UNSPEC = 0;

/** What tells a route from others, and where it leads. */
export interface RouteKey {
  /** Bytes of the network's address, 4 or 16, and how many bits of it count. */
  readonly destination: Uint8Array;
  readonly prefix: number;
  readonly ifindex: number;
  readonly via: Uint8Array | undefined;
  readonly table: number;
  /** 0: the kernel's own default. */
  readonly metric: number;
}

export interface RouteProgram {
  readonly place: keyof typeof lwtPlaces;
  readonly fd: number;
  readonly name: string;
  /** Bytes that a program of `xmit` may put before the packet. */
  readonly headroom?: number | undefined;
}

/**
 * Makes a route whose packets run a program, or puts another one into it.
 *
 * @param mode `create`: -EEXIST when there is such a route; `replace`: -ENOENT when there is none
 */
export function putRoute(key: RouteKey, program: RouteProgram, mode: 'create' | 'replace'): RouteAnswer {
  const how = mode === 'create' ? Netlink.F_CREATE | Netlink.F_EXCL : Netlink.F_REPLACE;
  return routeRequest(
    netlinkMessage(
      RTM_NEWROUTE,
      Netlink.F_REQUEST | Netlink.F_ACK | how,
      ...routeParts(key),
      ...encapsulation(program),
    ),
  );
}

export function removeRoute(key: RouteKey): RouteAnswer {
  return routeRequest(netlinkMessage(RTM_DELROUTE, Netlink.F_REQUEST | Netlink.F_ACK, ...routeParts(key)));
}

function encapsulation({ place, fd, name, headroom }: RouteProgram): Uint8Array[] {
  const program = netlinkAttribute(lwtPlaces[place], [
    netlinkAttribute(PROG, fd),
    netlinkAttribute(PROG_NAME, name),
  ]);
  const local = place === 'seg6local';
  const inside = local
    ? [netlinkAttribute(SEG6_LOCAL_ACTION, SEG6_LOCAL_ACTION_END_BPF), program]
    : [program, ...(headroom === undefined ? [] : [netlinkAttribute(LWT_BPF_XMIT_HEADROOM, headroom)])];
  const type = local ? LWTUNNEL_ENCAP_SEG6_LOCAL : LWTUNNEL_ENCAP_BPF;
  return [
    netlinkAttribute(RTA_ENCAP_TYPE, new Uint8Array(Uint16Array.of(type).buffer)),
    netlinkAttribute(RTA_ENCAP, inside),
  ];
}

/** `struct rtmsg`, and the attributes that say which route it is. */
function routeParts({ destination, prefix, ifindex, via, table, metric }: RouteKey): Uint8Array[] {
  const family = destination.length === 4 ? AF_INET : AF_INET6;
  const scope = family === AF_INET && via === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  const head = Uint8Array.of(
    family,
    prefix,
    0,
    0,
    RT_TABLE_UNSPEC,
    RTPROT_STATIC,
    scope,
    RTN_UNICAST,
    0,
    0,
    0,
    0,
  );
  return [
    head,
    netlinkAttribute(RTA_DST, destination),
    netlinkAttribute(RTA_OIF, ifindex),
    ...(via === undefined ? [] : [netlinkAttribute(RTA_GATEWAY, via)]),
    ...(metric === 0 ? [] : [netlinkAttribute(RTA_PRIORITY, metric)]),
    netlinkAttribute(RTA_TABLE, table),
  ];
}

/** What the kernel says of the program of a route: the name it was attached under. undefined when there is none. */
export function routeProgramName(key: RouteKey, place: keyof typeof lwtPlaces): string | undefined {
  const [head] = routeParts(key);
  const messages = routeDump(
    netlinkMessage(RTM_GETROUTE, Netlink.F_REQUEST | Netlink.F_DUMP, head!),
    'list the routes',
  );
  for (const { type, body } of messages) {
    if (type !== RTM_NEWROUTE || body.length < head!.length || body[1] !== key.prefix) continue;
    const attributes = new Map(netlinkAttributes(body.subarray(head!.length)));
    if (!isRoute(attributes, key)) continue;
    const encap = new Map(netlinkAttributes(attributes.get(RTA_ENCAP) ?? new Uint8Array()));
    const program = encap.get(lwtPlaces[place]);
    if (program === undefined) continue;
    return attributeText(new Map(netlinkAttributes(program)).get(PROG_NAME));
  }
  return undefined;
}

function isRoute(attributes: ReadonlyMap<number, Uint8Array>, key: RouteKey): boolean {
  const destination = attributes.get(RTA_DST) ?? new Uint8Array(key.destination.length);
  return (
    Buffer.compare(destination, key.destination) === 0 &&
    attributeNumber(attributes.get(RTA_OIF)) === key.ifindex &&
    attributeNumber(attributes.get(RTA_TABLE)) === key.table &&
    (key.metric === 0 || attributeNumber(attributes.get(RTA_PRIORITY)) === key.metric)
  );
}
