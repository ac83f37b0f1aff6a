import { type CgroupOptions } from './cgroup';
import { cgroupTypes } from './cgroup-types';
import { type EventLink } from './event-link';
import { type FlowDissectorOptions } from './flow-dissector';
import { type FreplaceOptions } from './freplace';
import { type HookOption } from './hook-option';
import { iterOrders, type IterOptions } from './iter';
import { type KprobeMultiOptions } from './kprobe-multi';
import { type KprobeOptions, type KretprobeOptions, type KsyscallOptions } from './kprobe';
import { type Link } from './link';
import { type LwtOptions, type LwtRoute } from './lwt';
import { type NetfilterOptions } from './netfilter';
import { netfilterFamilies, netfilterHooks } from './netfilter-types';
import { type NetkitOptions } from './netkit';
import { type PerfEventOptions } from './perf-event';
import { perfEvents } from './perf-events';
import { probeModes } from './probe-event';
import { type RawTracepointOptions } from './raw-tracepoint';
import { type SkLookupOptions } from './sk-lookup';
import { type SkReuseportOptions } from './sk-reuseport';
import { type SocketAttachment } from './socket-attachment';
import { type SocketFilterOptions } from './socket-filter';
import { skSkbTypeNames, type SkMsgOptions, type SkSkbOptions } from './sockmap';
import { type TcOptions } from './tc';
import { type TcFilter } from './tc-filter';
import { type TcxOptions } from './tcx';
import { type TpBtfOptions } from './tp-btf';
import { type TracepointOptions } from './tracepoint';
import { type LsmOptions, type TracingOptions } from './tracing';
import { type UprobeOptions } from './uprobe';
import { type UprobeMultiOptions } from './uprobe-multi';
import { type UsdtOptions } from './usdt';
import { type UsdtLink, type UsdtLinks } from './usdt-link';
import { type XdpLink, type XdpOptions } from './xdp';

/** What each hook is told when a program is attached to it. */
export interface HookOptions {
  readonly xdp: XdpOptions;
  readonly tcx: TcxOptions;
  readonly tc: TcOptions;
  readonly lwt: LwtOptions;
  readonly tracepoint: TracepointOptions;
  readonly raw_tracepoint: RawTracepointOptions;
  readonly tp_btf: TpBtfOptions;
  readonly cgroup: CgroupOptions;
  readonly sk_lookup: SkLookupOptions;
  readonly flow_dissector: FlowDissectorOptions;
  readonly netfilter: NetfilterOptions;
  readonly iter: IterOptions;
  readonly netkit: NetkitOptions;
  readonly perf_event: PerfEventOptions;
  readonly fentry: TracingOptions;
  readonly fexit: TracingOptions;
  readonly fmod_ret: TracingOptions;
  readonly freplace: FreplaceOptions;
  readonly lsm: LsmOptions;
  readonly kprobe: KprobeOptions;
  readonly kretprobe: KretprobeOptions;
  readonly ksyscall: KsyscallOptions;
  readonly kretsyscall: KsyscallOptions;
  readonly uprobe: UprobeOptions;
  readonly uretprobe: UprobeOptions;
  readonly uprobe_multi: UprobeMultiOptions;
  readonly uretprobe_multi: UprobeMultiOptions;
  readonly uprobe_session: UprobeMultiOptions;
  readonly kprobe_multi: KprobeMultiOptions;
  readonly kretprobe_multi: KprobeMultiOptions;
  readonly kprobe_session: KprobeMultiOptions;
  readonly usdt: UsdtOptions;
  readonly sk_msg: SkMsgOptions;
  readonly sk_skb: SkSkbOptions;
  readonly socket_filter: SocketFilterOptions;
  readonly sk_reuseport: SkReuseportOptions;
}

export type HookName = keyof HookOptions;

/** What attaching returns, by hook: a link, but where the kernel has none. */
export type HookResults = { readonly [H in HookName]: H extends keyof Unlinked ? Unlinked[H] : Link };

interface Unlinked {
  readonly xdp: XdpLink;
  readonly kprobe: Link | EventLink;
  readonly kretprobe: Link | EventLink;
  readonly ksyscall: Link | EventLink;
  readonly kretsyscall: Link | EventLink;
  readonly tc: TcFilter;
  readonly lwt: LwtRoute;
  readonly uprobe: Link | EventLink;
  readonly uretprobe: Link | EventLink;
  readonly usdt: UsdtLink | UsdtLinks;
  readonly socket_filter: SocketAttachment;
  readonly sk_reuseport: SocketAttachment;
}

const netns: HookOption = {
  about: 'the network namespace: a name below /run/netns, or a path; the current one by default',
  type: 'netns',
};
const device = {
  interface: { about: 'name of the network interface', type: 'interface', required: true },
  netns,
} as const;
const place = {
  order: {
    about: 'before or behind the programs that are there now; last by default',
    type: ['first', 'last'],
  },
  before: { about: 'the link (or program) right before which this one runs', type: 'link' },
  after: { about: 'the link (or program) right behind which this one runs', type: 'link' },
  revision: {
    about: 'attach only if nobody changed the attach point since it had this revision',
    type: 'u64',
    passing: true,
  },
} as const;
const cookie: HookOption = {
  about: 'a number that bpf_get_attach_cookie() returns to the program',
  type: 'u64',
};

const sockmap: HookOption = { about: 'the sockmap or sockhash', type: 'map', required: true };
const tracing = {
  name: { about: 'the function or LSM hook; it must be the one the program was loaded for', type: 'text' },
  cookie,
} as const;

const probe: { readonly cookie: HookOption; readonly mode: HookOption } = {
  cookie,
  mode: {
    about:
      'how the probe is made: link (Linux 5.15), perf (an event without a link, 4.17), legacy (through tracefs); auto: the first of these that the kernel has',
    type: probeModes,
    default: 'auto',
    // Without a link it ends with the process.
    passing: true,
  },
};
const probedFunction: HookOption = {
  about: "the kernel's function, of a module as MODULE:FUNCTION; by default the section name's",
  type: 'kernel_function',
};
const syscall = {
  syscall: { about: "the system call, without a prefix; by default the section name's", type: 'text' },
  ...probe,
} as const;

const binary: HookOption = {
  about:
    "the binary: a path, a library's name such as libc.so.6, or a program's in PATH; by default the section name's",
  type: 'file',
};
const onePid: HookOption = {
  about: 'the process in which it runs; every one by default',
  type: 'integer',
  passing: true,
};
const userProbe = {
  binary,
  function: {
    about: "the function, with a version if need be: fork@GLIBC_2.2.5; by default the section name's",
    type: 'text',
  },
  offset: {
    about:
      "bytes from the function's start, or without a function from the file's: the start of an instruction",
    type: 'integer',
  },
  pid: onePid,
  referenceCounter: {
    about: 'where in the file the 16-bit number is that counts the users of the place',
    type: 'integer',
  },
  ...probe,
} as const;
const functions: { readonly [K in keyof KprobeMultiOptions]-?: HookOption } = {
  functions: {
    about: "names of functions, and patterns with * and ?; by default the section name's",
    type: { list: 'text' },
  },
  addresses: { about: 'addresses instead of names', type: { list: 'u64' }, passing: true },
  cookies: {
    about:
      'a number for each of the names, patterns or addresses, which bpf_get_attach_cookie() returns to the program',
    type: { list: 'u64' },
  },
};

const userProbes: { readonly [K in keyof UprobeMultiOptions]-?: HookOption } = {
  binary,
  functions: {
    about: "names of functions, and patterns with * and ?; by default the section name's",
    type: { list: 'text' },
  },
  offsets: { about: 'offsets in the file instead of names', type: { list: 'u64' } },
  referenceCounters: {
    about:
      'for each of the names or offsets, where in the file the 16-bit number is that counts its users; 0 for none',
    type: { list: 'u64' },
  },
  cookies: {
    about: 'a number for each of the names or offsets, which bpf_get_attach_cookie() returns to the program',
    type: { list: 'u64' },
  },
  pid: onePid,
};

/** The options of each hook, by name. */
export const hookOptions: {
  readonly [H in HookName]: { readonly [K in keyof HookOptions[H]]-?: HookOption };
} = {
  xdp: {
    ...device,
    mode: {
      about: 'auto: native if the driver can, else generic',
      type: ['auto', 'native', 'generic'],
      default: 'auto',
    },
  },
  tcx: {
    ...device,
    direction: {
      about: "which way the packets go; by default the section name's",
      type: ['ingress', 'egress'],
    },
    ...place,
  },
  tc: {
    ...device,
    direction: {
      about: "which way the packets go; by default the section name's",
      type: ['ingress', 'egress'],
    },
    priority: { about: '1 to 65535, lower ones run earlier; by default the kernel chooses', type: 'integer' },
    handle: {
      about: 'number among the filters of a priority; by default the kernel chooses',
      type: 'integer',
    },
    directAction: {
      about: 'what the program returns is what becomes of the packet',
      type: 'boolean',
      default: true,
    },
  },
  lwt: {
    ...device,
    destination: { about: 'the network that the route leads to', type: 'text', required: true },
    via: { about: 'address of the gateway', type: 'text' },
    table: { about: 'the routing table', type: 'integer', default: 254 },
    metric: {
      about: "of several routes the least is taken; the kernel's default if left out",
      type: 'integer',
    },
    headroom: { about: 'bytes that a program of lwt_xmit may put before packets', type: 'integer' },
  },
  tracepoint: {
    category: { about: "directory below events/ of tracefs; by default the section name's", type: 'text' },
    name: { about: "the tracepoint; by default the section name's", type: 'text' },
    cookie,
  },
  raw_tracepoint: {
    name: { about: "the tracepoint; by default the section name's", type: 'text' },
    cookie,
  },
  tp_btf: {
    name: { about: 'the tracepoint; it must be the one the program was loaded for', type: 'text' },
    cookie,
  },
  cgroup: {
    path: {
      about: 'the cgroup: absolute, or from the root of the cgroup v2 hierarchy',
      type: 'cgroup',
      required: true,
    },
    type: {
      about: "attach point; by default the section name's",
      type: cgroupTypes.map((type) => type.name),
    },
    ...place,
  },
  sk_lookup: { netns },
  flow_dissector: { netns },
  netfilter: {
    family: { about: 'the packets', required: true, type: Object.keys(netfilterFamilies) },
    hook: {
      about: "where on a packet's way through the stack",
      required: true,
      type: Object.keys(netfilterHooks),
    },
    priority: { about: 'lower numbers run earlier, each once a hook; 0 by default', type: 'integer' },
    defrag: { about: 'put fragments together first; false by default', type: 'boolean' },
    netns,
  },
  iter: {
    name: { about: 'what is walked; it must be what the program was loaded for', type: 'text' },
    map: { about: 'the map whose elements are walked', type: 'map' },
    pid: { about: 'the process whose threads are walked', type: 'integer', passing: true },
    tid: { about: 'the thread that is looked at', type: 'integer', passing: true },
    cgroup: {
      about: 'the cgroup to start from: absolute, or from the root of the cgroup v2 hierarchy',
      type: 'cgroup',
    },
    order: { about: 'which cgroups follow; descendants_pre by default', type: Object.keys(iterOrders) },
  },
  netkit: {
    ...device,
    end: {
      about: "the end whose packets are seen as they leave it; by default the section name's",
      type: ['primary', 'peer'],
    },
    ...place,
  },
  perf_event: {
    event: { about: 'what is counted', required: true, type: Object.keys(perfEvents) },
    period: { about: 'the program runs at every so manieth event; clocks count nanoseconds', type: 'u64' },
    frequency: { about: 'how often a second the program runs; instead of a period', type: 'integer' },
    pid: { about: 'the process that is watched; every one by default', type: 'integer', passing: true },
    cpu: { about: 'the CPU that is watched; without a pid 0 by default', type: 'integer' },
  },
  fentry: tracing,
  fexit: tracing,
  fmod_ret: tracing,
  freplace: {
    program: {
      about: 'the program whose function is replaced; by default the one it was loaded for',
      type: 'program',
    },
    function: { about: "the function of that program; by default the section name's", type: 'text' },
  },
  lsm: { name: tracing.name },
  kprobe: {
    function: probedFunction,
    offset: { about: "bytes from the function's start: the start of an instruction", type: 'integer' },
    address: {
      about: 'an address instead of a function: for one of several that share a name',
      type: 'u64',
      passing: true,
    },
    ...probe,
  },
  kretprobe: { function: probedFunction, ...probe },
  ksyscall: syscall,
  kretsyscall: syscall,
  uprobe: userProbe,
  uretprobe: userProbe,
  uprobe_multi: userProbes,
  uretprobe_multi: userProbes,
  uprobe_session: userProbes,
  kprobe_multi: functions,
  kretprobe_multi: functions,
  kprobe_session: functions,
  usdt: {
    binary,
    provider: { about: "who made the probe; by default the section name's", type: 'text' },
    name: { about: "name of the probe; by default the section name's", type: 'text' },
    pid: onePid,
    cookie: { about: 'a number that bpf_usdt_cookie() returns to the program', type: 'u64' },
  },
  sk_msg: { map: sockmap },
  sk_skb: {
    map: sockmap,
    type: { about: "what it does to streams; by default the section name's", type: skSkbTypeNames },
  },
  socket_filter: {
    socket: { about: 'the socket, bound, listening or connected', type: 'socket', required: true },
  },
  sk_reuseport: {
    socket: { about: 'one of the sockets that share the port', type: 'socket', required: true },
  },
};
