export { type Attachment } from './attachment';
export { autoAttach } from './auto-attach';
export { attachCgroup, cgroupPrograms, type CgroupOptions } from './cgroup';
export { cgroupById, cgroupPath } from './cgroup-path';
export { cgroupTypes, type CgroupType } from './cgroup-types';
export { kernelNames, linkDescription, type LinkNames } from './describe';
export { EventLink } from './event-link';
export { attachFlowDissector, type FlowDissectorOptions } from './flow-dissector';
export { attachFreplace, type FreplaceOptions } from './freplace';
export { hookOfLink } from './hook-of-link';
export { type HookOption, type OptionType } from './hook-option';
export { hookOptions, type HookName, type HookOptions, type HookResults } from './hook-options';
export { attach, hookFor, hookNames, hooks, type Hook } from './hooks';
export { type InterfaceTarget } from './interfaces';
export { attachIter, type IterOptions } from './iter';
export { iterate, iterText } from './iter-text';
export {
  attachKprobe,
  attachKretprobe,
  attachKretsyscall,
  attachKsyscall,
  type KprobeOptions,
  type KretprobeOptions,
  type KsyscallOptions,
} from './kprobe';
export {
  attachKprobeMulti,
  attachKprobeSession,
  attachKretprobeMulti,
  type KprobeMultiOptions,
} from './kprobe-multi';
export { hasKernelFunction } from './kernel-functions';
export { Link } from './link';
export { listLinks, type LinkFilter, type ListedLink } from './list-links';
export { attachLwt, LwtRoute, type LwtOptions, type LwtPlace } from './lwt';
export { attachNetfilter, type NetfilterOptions } from './netfilter';
export { type NetfilterFamily, type NetfilterHook } from './netfilter-types';
export { attachNetkit, type NetkitOptions } from './netkit';
export { inNetns } from './netns';
export { type NetnsTarget } from './netns-link';
export { type Anchor, type AttachPoint, type MprogPlace } from './mprog';
export { attachPerfEvent, type PerfEventOptions } from './perf-event';
export { perfEvents, type PerfEventName } from './perf-events';
export { probeHook, probeHooks, type HookProbe } from './probe-hook';
export { type ProbeMode } from './probe-event';
export { type AttachableProgram } from './program';
export { attachRawTracepoint, type RawTracepointOptions } from './raw-tracepoint';
export { attachSkLookup, type SkLookupOptions } from './sk-lookup';
export { attachSkReuseport, type SkReuseportOptions } from './sk-reuseport';
export { socketFd, type SocketTarget } from './socket';
export { SocketAttachment } from './socket-attachment';
export { attachSocketFilter, type SocketFilterOptions } from './socket-filter';
export { attachSkMsg, attachSkSkb, type SkMsgOptions, type SkSkbOptions } from './sockmap';
export {
  attachStructOps,
  isUpdatableStruct,
  prepareStructOps,
  StructOpsLink,
  StructOpsRegistration,
  unregisterStructOps,
  type StructOpsMap,
} from './struct-ops';
export { copyStructOps, structOpsState, type StructOpsCopy, type StructOpsState } from './struct-ops-copy';
export { hasStructOps } from './struct-ops-support';
export {
  attachmentPlace,
  inPlaceOf,
  lookAtPlace,
  openPlace,
  removeLeftQdisc,
  type AttachmentPlace,
  type PlaceLook,
} from './attachment-place';
export { attachTc, type TcOptions } from './tc';
export { TcFilter, tcFilters, type TcDirection, type TcFilterPlace, type TcPlace } from './tc-filter';
export { attachTcx, tcxPrograms, type TcxOptions } from './tcx';
export { attachTpBtf, type TpBtfOptions } from './tp-btf';
export { attachTracepoint, type TracepointOptions } from './tracepoint';
export { allTracepoints } from './tracepoint-id';
export {
  attachFentry,
  attachFexit,
  attachFmodRet,
  attachLsm,
  type LsmOptions,
  type TracingOptions,
} from './tracing';
export { findBinary, type BinarySearch } from './find-binary';
export { libraryInCache } from './ld-cache';
export { attachUprobe, attachUretprobe, type UprobeOptions } from './uprobe';
export {
  attachUprobeMulti,
  attachUprobeSession,
  attachUretprobeMulti,
  type UprobeMultiOptions,
} from './uprobe-multi';
export { attachUsdt, type UsdtOptions } from './usdt';
export { type UsdtArgument, type UsdtPlace } from './usdt-arguments';
export { UsdtLink, UsdtLinks } from './usdt-link';
export { type UserPlace } from './user-place';
export { attachXdp, XdpLink, type XdpOptions } from './xdp';
