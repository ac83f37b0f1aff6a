/**
 * Traffic control through rtnetlink(7), as far as BPF goes: the queueing discipline `clsact`, which has a place for
 * filters in each direction, and filters that run a program. Layouts: include/uapi/linux/rtnetlink.h, pkt_sched.h and
 * pkt_cls.h.
 */
import { routeDump, routeRequest, type RouteAnswer } from './netlink';
import {
  attributeNumber,
  attributeText,
  Netlink,
  netlinkAttribute,
  netlinkAttributes,
  netlinkMessage,
  type NetlinkMessage,
} from './netlink-format';

const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_GETQDISC = 38;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const RTM_GETTFILTER = 46;

const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_CHAIN = 11;
const TCA_BPF_FD = 6;
const TCA_BPF_NAME = 7;
const TCA_BPF_FLAGS = 8;
const TCA_BPF_TAG = 10;
const TCA_BPF_ID = 11;
const TCA_BPF_FLAG_ACT_DIRECT = 1;

/** TC_H_CLSACT, the same as TC_H_INGRESS: the parent of clsact; and the handle that it gets. */
const clsactParent = 0xfffffff1;
const clsactHandle = 0xffff0000;

/** Parents of filters: TC_H_MIN_INGRESS and TC_H_MIN_EGRESS below clsact. */
export const filterParents = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;

/** ETH_P_ALL, in network order, as the kernel has it in `tcm_info`. */
const everyProtocol = 0x0300;

/** A filter that runs a program, as its place and its identity tell it. */
export interface TcFilterKey {
  readonly ifindex: number;
  readonly parent: number;
  /** 1 to 65535, lower ones run earlier; 0 lets the kernel choose, below all that are there. */
  readonly priority: number;
  /** Number among the filters of a priority; 0 lets the kernel choose. */
  readonly handle: number;
}

/** What the kernel says about a filter. */
export interface TcFilterInfo extends TcFilterKey {
  readonly programId: number;
  /** The name it was attached under. */
  readonly name: string;
  /** The program's tag, 16 hex digits. */
  readonly tag: string;
  readonly directAction: boolean;
}

/** `struct tcmsg`. */
function tcMessage(ifindex: number, handle: number, parent: number, info = 0): Uint8Array {
  return new Uint8Array(Uint32Array.of(0, ifindex, handle, parent, info).buffer);
}

const tcMessageSize = 20;

/** The kind of the queueing discipline where clsact goes: `clsact`, `ingress` (an older one), undefined for none. */
export function ingressQdisc(ifindex: number): string | undefined {
  const messages = routeDump(
    netlinkMessage(RTM_GETQDISC, Netlink.F_REQUEST | Netlink.F_DUMP, tcMessage(ifindex, 0, 0)),
    'list the queueing disciplines',
  );
  for (const { type, body } of messages) {
    if (type !== RTM_NEWQDISC || body.length < tcMessageSize) continue;
    const { index, parent } = readTcMessage(body);
    if (index === ifindex && parent === clsactParent) return attributeText(attributesOf(body).get(TCA_KIND));
  }
  return undefined;
}

/** Gives an interface a clsact; -EEXIST when it has one. */
export function addClsact(ifindex: number): RouteAnswer {
  return routeRequest(
    netlinkMessage(
      RTM_NEWQDISC,
      Netlink.F_REQUEST | Netlink.F_ACK | Netlink.F_CREATE | Netlink.F_EXCL,
      tcMessage(ifindex, clsactHandle, clsactParent),
      netlinkAttribute(TCA_KIND, 'clsact'),
    ),
  );
}

/** Takes the clsact of an interface away, with every filter on it. */
export function removeClsact(ifindex: number): RouteAnswer {
  return routeRequest(
    netlinkMessage(
      RTM_DELQDISC,
      Netlink.F_REQUEST | Netlink.F_ACK,
      tcMessage(ifindex, clsactHandle, clsactParent),
    ),
  );
}

/** What a filter runs. */
export interface TcFilterProgram {
  readonly fd: number;
  readonly name: string;
  readonly directAction: boolean;
}

/**
 * Makes a filter, or puts another program into one.
 *
 * @param mode `create`: -EEXIST when there is one of this priority and handle; `replace`: -ENOENT when there is none
 * @returns the answer, and the filter as the kernel made it
 */
export function putFilter(
  key: TcFilterKey,
  program: TcFilterProgram,
  mode: 'create' | 'replace',
): RouteAnswer & { readonly made: TcFilterInfo | undefined } {
  const how = mode === 'create' ? Netlink.F_CREATE | Netlink.F_EXCL : Netlink.F_REPLACE;
  const answer = routeRequest(
    netlinkMessage(
      RTM_NEWTFILTER,
      Netlink.F_REQUEST | Netlink.F_ACK | Netlink.F_ECHO | how,
      filterMessage(key),
      netlinkAttribute(TCA_KIND, 'bpf'),
      netlinkAttribute(TCA_OPTIONS, [
        netlinkAttribute(TCA_BPF_FD, program.fd),
        netlinkAttribute(TCA_BPF_NAME, program.name),
        netlinkAttribute(TCA_BPF_FLAGS, program.directAction ? TCA_BPF_FLAG_ACT_DIRECT : 0),
      ]),
    ),
  );
  return { ...answer, made: answer.messages.flatMap(readFilter)[0] };
}

/** Removes a filter. */
export function removeFilter(key: TcFilterKey): RouteAnswer {
  return routeRequest(
    netlinkMessage(
      RTM_DELTFILTER,
      Netlink.F_REQUEST | Netlink.F_ACK,
      filterMessage(key),
      netlinkAttribute(TCA_KIND, 'bpf'),
    ),
  );
}

/** The filters of one direction of an interface, of every kind: those that run a program with what it is. */
export function listFilters(
  ifindex: number,
  parent: number,
): { readonly filters: readonly TcFilterInfo[]; readonly others: number } {
  const messages = routeDump(
    netlinkMessage(RTM_GETTFILTER, Netlink.F_REQUEST | Netlink.F_DUMP, tcMessage(ifindex, 0, parent)),
    'list the filters',
  );
  const filters = messages.flatMap(readFilter);
  // Each priority comes once as a whole, with handle 0, before its filters.
  const all = messages.filter(
    ({ type, body }) =>
      type === RTM_NEWTFILTER && body.length >= tcMessageSize && readTcMessage(body).handle !== 0,
  );
  return { filters, others: all.length - filters.length };
}

function filterMessage({ ifindex, parent, priority, handle }: TcFilterKey): Uint8Array {
  return tcMessage(ifindex, handle, parent, (priority << 16) | everyProtocol);
}

/** The filter that a message of the answer tells of, if it runs a program; none for another message. */
export function readFilter({ type, body }: NetlinkMessage): TcFilterInfo[] {
  if (type !== RTM_NEWTFILTER || body.length < tcMessageSize) return [];
  const { index: ifindex, handle, parent, info } = readTcMessage(body);
  const attributes = attributesOf(body);
  if (attributeText(attributes.get(TCA_KIND)) !== 'bpf' || handle === 0) return [];
  // Only filters that jump there use the other chains.
  if (attributeNumber(attributes.get(TCA_CHAIN)) !== 0) return [];
  const options = new Map(netlinkAttributes(attributes.get(TCA_OPTIONS) ?? new Uint8Array()));
  return [
    {
      ...{ ifindex, parent, handle },
      priority: info >>> 16,
      programId: attributeNumber(options.get(TCA_BPF_ID)),
      name: attributeText(options.get(TCA_BPF_NAME)),
      tag: Buffer.from(options.get(TCA_BPF_TAG) ?? []).toString('hex'),
      directAction: (attributeNumber(options.get(TCA_BPF_FLAGS)) & TCA_BPF_FLAG_ACT_DIRECT) !== 0,
    },
  ];
}

function readTcMessage(body: Uint8Array) {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return {
    index: view.getInt32(4, true),
    handle: view.getUint32(8, true),
    parent: view.getUint32(12, true),
    info: view.getUint32(16, true),
  };
}

function attributesOf(body: Uint8Array): ReadonlyMap<number, Uint8Array> {
  return new Map(netlinkAttributes(body.subarray(tcMessageSize)));
}
