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

/** What the kernel says of a route. */
export interface RouteInfo {
  readonly ifindex: number;
  readonly via: Uint8Array | undefined;
  /** Where it runs a program, and the name that it was attached under; undefined when it runs none. */
  readonly program: { readonly place: keyof typeof lwtPlaces; readonly name: string } | undefined;
}

/**
 * The routes to a network, in one table and of one metric, in the order in which the kernel has them: it takes, and
 * replaces, the first one.
 */
export function routesTo(key: Pick<RouteKey, 'destination' | 'prefix' | 'table' | 'metric'>): RouteInfo[] {
  const head = Uint8Array.of(
    key.destination.length === 4 ? AF_INET : AF_INET6,
    ...new Array<number>(11).fill(0),
  );
  const messages = routeDump(
    netlinkMessage(RTM_GETROUTE, Netlink.F_REQUEST | Netlink.F_DUMP, head),
    'list the routes',
  );
  return messages.flatMap(({ type, body }): RouteInfo[] => {
    if (type !== RTM_NEWROUTE || body.length < head.length) return [];
    // The second byte is the length of the prefix, the fourth the type of service.
    if (body[1] !== key.prefix || body[3] !== 0) return [];
    const attributes = new Map(netlinkAttributes(body.subarray(head.length)));
    if (!leadsTo(attributes, key)) return [];
    return [
      {
        ifindex: attributeNumber(attributes.get(RTA_OIF)),
        via: attributes.get(RTA_GATEWAY),
        program: programOf(attributes.get(RTA_ENCAP)),
      },
    ];
  });
}

function programOf(encap: Uint8Array | undefined): RouteInfo['program'] {
  const parts = new Map(netlinkAttributes(encap ?? new Uint8Array()));
  for (const place of Object.keys(lwtPlaces) as (keyof typeof lwtPlaces)[]) {
    const program = new Map(netlinkAttributes(parts.get(lwtPlaces[place]) ?? new Uint8Array()));
    if (program.has(PROG_NAME)) return { place, name: attributeText(program.get(PROG_NAME)) };
  }
  return undefined;
}

/** IP6_RT_PRIO_USER, the metric of a route of IPv6 that is given none; one of IPv4 has 0. */
const defaultMetric6 = 1024;

function leadsTo(
  attributes: ReadonlyMap<number, Uint8Array>,
  key: Pick<RouteKey, 'destination' | 'prefix' | 'table' | 'metric'>,
): boolean {
  const { length } = key.destination;
  const destination = attributes.get(RTA_DST) ?? new Uint8Array(length);
  const metric = key.metric === 0 && length === 16 ? defaultMetric6 : key.metric;
  return (
    Buffer.compare(masked(destination, key.prefix), masked(key.destination, key.prefix)) === 0 &&
    attributeNumber(attributes.get(RTA_TABLE)) === key.table &&
    attributeNumber(attributes.get(RTA_PRIORITY)) === metric
  );
}

/** An address with only those bits that count. */
function masked(address: Uint8Array, prefix: number): Uint8Array {
  return address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))));
}
