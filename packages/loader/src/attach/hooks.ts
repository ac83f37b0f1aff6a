import { AttachType, ProgramType } from '../object';
import { type Attachment } from './attachment';
import { attachCgroup } from './cgroup';
import { cgroupTypes } from './cgroup-types';
import { attachFlowDissector } from './flow-dissector';
import { type HookOption } from './hook-option';
import { hookOptions, type HookName, type HookOptions, type HookResults } from './hook-options';
import { attachFreplace } from './freplace';
import { attachIter } from './iter';
import { attachKprobeMulti, attachKprobeSession, attachKretprobeMulti } from './kprobe-multi';
import { attachKprobe, attachKretprobe, attachKretsyscall, attachKsyscall } from './kprobe';
import { type Link } from './link';
import { attachLwt } from './lwt';
import { attachNetfilter } from './netfilter';
import { attachNetkit } from './netkit';
import { attachPerfEvent } from './perf-event';
import { type AttachableProgram } from './program';
import { attachRawTracepoint } from './raw-tracepoint';
import { sectionHook } from './section-hooks';
import { attachSkLookup } from './sk-lookup';
import { attachSkReuseport } from './sk-reuseport';
import { attachSocketFilter } from './socket-filter';
import { attachSkMsg, attachSkSkb } from './sockmap';
import { attachTc } from './tc';
import { attachTcx } from './tcx';
import { attachTpBtf } from './tp-btf';
import { attachTracepoint } from './tracepoint';
import { attachFentry, attachFexit, attachFmodRet, attachLsm } from './tracing';
import { attachUprobe, attachUretprobe } from './uprobe';
import { attachUprobeMulti, attachUprobeSession, attachUretprobeMulti } from './uprobe-multi';
import { attachUsdt } from './usdt';
import { attachXdp } from './xdp';

/** A place in the kernel where programs can be attached. */
export interface Hook<O, R extends Attachment = Link> {
  /** What it is, in a line. */
  readonly about: string;
  /** `enum bpf_prog_type` of the programs it runs. */
  readonly programTypes: readonly number[];
  /** `enum bpf_attach_type` of its links; empty where the link has none. */
  readonly attachTypes: readonly number[];
  /** First version of Linux with such links. */
  readonly since: string;
  /**
   * How a link is given another program. `swap`: BPF_LINK_UPDATE, with an expected program as compare-and-swap.
   * `overwrite`: at once too, but without a compare-and-swap. `replace`: it cannot be updated; a second link is made
   * before or after the first is closed.
   */
  readonly update: 'swap' | 'overwrite' | 'replace';
  /** An interface, a cgroup or the like must be named; the others know where from the section name or by default. */
  readonly needsPlace: boolean;
  /** What attaching returns is no link: it cannot be pinned, and needs no fd to stay. */
  readonly unlinked?: boolean;
  /** What it is told, by name of the option. */
  readonly options: Readonly<Record<string, HookOption>>;
  readonly attach: (program: AttachableProgram, options: O) => R;
}

/**
 * The hooks, by name. Which of them take BPF_LINK_UPDATE was measured on Linux 6.18: an update of a perf event or raw
 * tracepoint link is EINVAL, one with another expected program is EPERM.
 */
export const hooks: { readonly [H in HookName]: Hook<HookOptions[H], HookResults[H]> } = {
  xdp: {
    about: 'packets as a network driver receives them',
    programTypes: [ProgramType.xdp],
    attachTypes: [AttachType.xdp],
    since: '5.9',
    update: 'swap',
    needsPlace: true,
    options: hookOptions.xdp,
    attach: attachXdp,
  },
  tcx: {
    about: 'packets at traffic control, coming in or going out',
    programTypes: [ProgramType.sched_cls],
    attachTypes: [AttachType.tcx_ingress, AttachType.tcx_egress],
    since: '6.6',
    update: 'swap',
    needsPlace: true,
    options: hookOptions.tcx,
    attach: attachTcx,
  },
  tc: {
    about: 'packets at traffic control, as a filter of clsact',
    programTypes: [ProgramType.sched_cls],
    attachTypes: [],
    since: '4.5',
    update: 'overwrite',
    needsPlace: true,
    unlinked: true,
    options: hookOptions.tc,
    attach: attachTc,
  },
  lwt: {
    about: 'the packets of a route',
    programTypes: [ProgramType.lwt_in, ProgramType.lwt_out, ProgramType.lwt_xmit, ProgramType.lwt_seg6local],
    attachTypes: [],
    since: '4.10',
    update: 'overwrite',
    needsPlace: true,
    unlinked: true,
    options: hookOptions.lwt,
    attach: attachLwt,
  },
  tracepoint: {
    about: 'a static tracepoint, with its fields as tracefs describes them',
    programTypes: [ProgramType.tracepoint],
    attachTypes: [AttachType.perf_event],
    since: '5.15',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.tracepoint,
    attach: attachTracepoint,
  },
  raw_tracepoint: {
    about: 'a static tracepoint, with its arguments as they are',
    programTypes: [ProgramType.raw_tracepoint, ProgramType.raw_tracepoint_writable],
    attachTypes: [],
    since: '4.17',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.raw_tracepoint,
    attach: attachRawTracepoint,
  },
  tp_btf: {
    about: 'a static tracepoint, with typed arguments',
    programTypes: [ProgramType.tracing],
    attachTypes: [AttachType.trace_raw_tp],
    since: '5.5',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.tp_btf,
    attach: attachTpBtf,
  },
  cgroup: {
    about: 'what the processes of a cgroup do: packets, connects, devices, options',
    programTypes: [...new Set(cgroupTypes.map((type) => type.programType))],
    attachTypes: cgroupTypes.map((type) => type.attachType),
    since: '5.7',
    update: 'swap',
    needsPlace: true,
    options: hookOptions.cgroup,
    attach: attachCgroup,
  },
  sk_lookup: {
    about: 'which socket a new connection or a datagram goes to, in a network namespace',
    programTypes: [ProgramType.sk_lookup],
    attachTypes: [AttachType.sk_lookup],
    since: '5.9',
    update: 'swap',
    needsPlace: false,
    options: hookOptions.sk_lookup,
    attach: attachSkLookup,
  },
  flow_dissector: {
    about: 'which flow a packet belongs to, in a network namespace',
    programTypes: [ProgramType.flow_dissector],
    attachTypes: [AttachType.flow_dissector],
    since: '5.7',
    update: 'swap',
    needsPlace: false,
    options: hookOptions.flow_dissector,
    attach: attachFlowDissector,
  },
  netfilter: {
    about: "packets at the hooks of netfilter, beside the firewall's tables",
    programTypes: [ProgramType.netfilter],
    attachTypes: [AttachType.netfilter],
    since: '6.4',
    update: 'replace',
    needsPlace: true,
    options: hookOptions.netfilter,
    attach: attachNetfilter,
  },
  iter: {
    about: "the kernel's objects of a kind, one by one, when somebody reads the link",
    programTypes: [ProgramType.tracing],
    attachTypes: [AttachType.trace_iter],
    since: '5.8',
    update: 'swap',
    needsPlace: false,
    options: hookOptions.iter,
    attach: attachIter,
  },
  netkit: {
    about: 'packets at the ends of a netkit pair, which lead into a container',
    programTypes: [ProgramType.sched_cls],
    attachTypes: [AttachType.netkit_primary, AttachType.netkit_peer],
    since: '6.7',
    update: 'swap',
    needsPlace: true,
    options: hookOptions.netkit,
    attach: attachNetkit,
  },
  perf_event: {
    about: 'samples of an event that the kernel or the processor counts',
    programTypes: [ProgramType.perf_event],
    attachTypes: [],
    since: '5.15',
    update: 'replace',
    needsPlace: true,
    options: hookOptions.perf_event,
    attach: attachPerfEvent,
  },
  fentry: {
    about: 'the entry of a kernel function',
    programTypes: [ProgramType.tracing],
    attachTypes: [AttachType.trace_fentry],
    since: '5.5',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.fentry,
    attach: attachFentry,
  },
  fexit: {
    about: 'the return of a kernel function',
    programTypes: [ProgramType.tracing],
    attachTypes: [AttachType.trace_fexit],
    since: '5.5',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.fexit,
    attach: attachFexit,
  },
  fmod_ret: {
    about: 'a kernel function that the program can make fail',
    programTypes: [ProgramType.tracing],
    attachTypes: [AttachType.modify_return],
    since: '5.7',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.fmod_ret,
    attach: attachFmodRet,
  },
  freplace: {
    about: 'a global function of another program, which runs instead',
    programTypes: [ProgramType.ext],
    attachTypes: [],
    since: '5.6',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.freplace,
    attach: attachFreplace,
  },
  lsm: {
    about: 'a decision of the kernel about access',
    programTypes: [ProgramType.lsm],
    attachTypes: [AttachType.lsm_mac],
    since: '5.7',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.lsm,
    attach: attachLsm,
  },
  kprobe: {
    about: 'a function of the kernel, or an instruction in it',
    programTypes: [ProgramType.kprobe],
    attachTypes: [],
    since: '4.1',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.kprobe,
    attach: attachKprobe,
  },
  kretprobe: {
    about: 'the return of a function of the kernel',
    programTypes: [ProgramType.kprobe],
    attachTypes: [],
    since: '4.1',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.kretprobe,
    attach: attachKretprobe,
  },
  ksyscall: {
    about: 'a system call, by its name on every processor',
    programTypes: [ProgramType.kprobe],
    attachTypes: [],
    since: '4.1',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.ksyscall,
    attach: attachKsyscall,
  },
  kretsyscall: {
    about: 'the return of a system call',
    programTypes: [ProgramType.kprobe],
    attachTypes: [],
    since: '4.1',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.kretsyscall,
    attach: attachKretsyscall,
  },
  uprobe: {
    about: 'a function of a program or library of user space, or an instruction in it',
    programTypes: [ProgramType.kprobe],
    attachTypes: [],
    since: '4.1',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.uprobe,
    attach: attachUprobe,
  },
  uretprobe: {
    about: 'the return of a function of user space',
    programTypes: [ProgramType.kprobe],
    attachTypes: [],
    since: '4.1',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.uretprobe,
    attach: attachUretprobe,
  },
  uprobe_multi: {
    about: 'many functions of a program or library of user space',
    programTypes: [ProgramType.kprobe],
    attachTypes: [AttachType.trace_uprobe_multi],
    since: '6.6',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.uprobe_multi,
    attach: attachUprobeMulti,
  },
  uretprobe_multi: {
    about: 'the returns of many functions of user space',
    programTypes: [ProgramType.kprobe],
    attachTypes: [AttachType.trace_uprobe_multi],
    since: '6.6',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.uretprobe_multi,
    attach: attachUretprobeMulti,
  },
  uprobe_session: {
    about: 'many functions of user space, at their entry and return',
    programTypes: [ProgramType.kprobe],
    attachTypes: [AttachType.trace_uprobe_session],
    since: '6.13',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.uprobe_session,
    attach: attachUprobeSession,
  },
  kprobe_multi: {
    about: 'many functions of the kernel, at their entry',
    programTypes: [ProgramType.kprobe],
    attachTypes: [AttachType.trace_kprobe_multi],
    since: '5.18',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.kprobe_multi,
    attach: attachKprobeMulti,
  },
  kretprobe_multi: {
    about: 'the returns of many functions of the kernel',
    programTypes: [ProgramType.kprobe],
    attachTypes: [AttachType.trace_kprobe_multi],
    since: '5.18',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.kretprobe_multi,
    attach: attachKretprobeMulti,
  },
  kprobe_session: {
    about: 'many functions of the kernel, at their entry and return',
    programTypes: [ProgramType.kprobe],
    attachTypes: [AttachType.trace_kprobe_session],
    since: '6.10',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.kprobe_session,
    attach: attachKprobeSession,
  },
  usdt: {
    about: 'probes that the author of a program or library marked in it',
    programTypes: [ProgramType.kprobe],
    attachTypes: [],
    since: '5.15',
    update: 'replace',
    needsPlace: false,
    options: hookOptions.usdt,
    attach: attachUsdt,
  },
  sk_msg: {
    about: 'what is sent on the sockets of a map',
    programTypes: [ProgramType.sk_msg],
    attachTypes: [AttachType.sk_msg_verdict],
    since: '6.10',
    update: 'swap',
    needsPlace: true,
    options: hookOptions.sk_msg,
    attach: attachSkMsg,
  },
  sk_skb: {
    about: 'what comes in on the sockets of a map',
    programTypes: [ProgramType.sk_skb],
    attachTypes: [
      AttachType.sk_skb_stream_parser,
      AttachType.sk_skb_stream_verdict,
      AttachType.sk_skb_verdict,
    ],
    since: '6.10',
    update: 'swap',
    needsPlace: true,
    options: hookOptions.sk_skb,
    attach: attachSkSkb,
  },
  socket_filter: {
    about: 'what comes in on one socket, and how much of it is kept',
    programTypes: [ProgramType.socket_filter],
    attachTypes: [],
    since: '3.19',
    update: 'overwrite',
    needsPlace: true,
    unlinked: true,
    options: hookOptions.socket_filter,
    attach: attachSocketFilter,
  },
  sk_reuseport: {
    about: 'which of the sockets that share a port gets a datagram or a connection',
    programTypes: [ProgramType.sk_reuseport, ProgramType.socket_filter],
    attachTypes: [AttachType.sk_reuseport_select, AttachType.sk_reuseport_select_or_migrate],
    since: '4.19',
    update: 'overwrite',
    needsPlace: true,
    unlinked: true,
    options: hookOptions.sk_reuseport,
    attach: attachSkReuseport,
  },
};

/** The names of all hooks. */
export const hookNames = Object.keys(hooks) as readonly HookName[];

/**
 * Attach a program to a hook by the hook's name.
 *
 * @throws BpfError as the hook's own function does
 *
 * @example
 * ```ts
 * const link = attach(program, 'tcx', { interface: 'eth0', direction: 'ingress' });
 * ```
 */
export function attach<H extends HookName>(
  program: AttachableProgram,
  hook: H,
  options: HookOptions[H],
): HookResults[H] {
  return hooks[hook].attach(program, options);
}

/**
 * The hook that a program was written for, by its section name, its type and the attach type it was loaded with;
 * undefined when there is none here, or when what is known fits several.
 *
 * @example
 * ```ts
 * hookFor({ type: 6 }); // 'xdp'
 * hookFor({ type: 2, section: 'kretprobe/do_unlinkat' }); // 'kretprobe'
 * ```
 */
export function hookFor(
  program: Pick<AttachableProgram, 'type' | 'attachType' | 'section'>,
): HookName | undefined {
  const suited = hookNames.filter((name) => hooks[name].programTypes.includes(program.type));
  const named = sectionHook(program.section ?? '');
  if (named !== undefined && suited.includes(named)) return named;
  // Several hooks share a program type (tracing, LSM, kprobe): there the attach type decides.
  return (
    suited.find((name) => hooks[name].attachTypes.includes(program.attachType ?? -1)) ??
    (sharedTypes.includes(program.type) ? undefined : suited[0])
  );
}

/** Program types of many hooks, told apart by the section name or the attach type alone. */
const sharedTypes: readonly number[] = [ProgramType.tracing, ProgramType.lsm, ProgramType.kprobe];
