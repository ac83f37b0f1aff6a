import {
  addClsact,
  closeFd,
  Errno,
  filterParents,
  linkCreate,
  multiReturnFlag,
  Namespace,
  perfEventOpen,
  putFilter,
  putRoute,
  rawTracepointOpen,
  removeClsact,
  removeFilter,
  routeSocket,
  setSocketOption,
  SocketOption,
  unshare,
} from '../kernel';
import { AttachType, ProgramType } from '../object';
import {
  cgroupCauses,
  freplaceCauses,
  iterCauses,
  kprobeCauses,
  lwtCauses,
  netfilterCauses,
  netkitCauses,
  netnsCauses,
  perfEventCauses,
  rawTracepointCauses,
  skReuseportCauses,
  socketFilterCauses,
  sockmapCauses,
  tcCauses,
  tcxCauses,
  tpBtfCauses,
  tracepointCauses,
  trampolineCauses,
  uprobeCauses,
  xdpCauses,
} from './causes';
import { type HookName } from './hook-options';
import { attachKprobe, attachKretprobe, attachKretsyscall, attachKsyscall } from './kprobe';
import { inOtherNetwork } from './netns';
import { perfEvents } from './perf-events';
import {
  kernelFunction,
  kernelTracepoint,
  loadByBtf,
  loadNothing,
  loadReplacement,
  trialName,
} from './trial-programs';
import { attachUprobe, attachUretprobe } from './uprobe';
import {
  noFd,
  noInterface,
  network,
  tracing,
  onNoFd,
  onNoInterface,
  onItsTarget,
  onFunction,
  briefly,
  onManyFunctions,
  onManyPlaces,
  rareCall,
  inNoCode,
  testFunction,
  type HookTrial,
} from './hook-trial';

/** LOOPBACK_IFINDEX of include/net/net_namespace.h: `lo` has it in every network namespace. */
const loopback = 1;
/** XDP_FLAGS_DRV_MODE of include/uapi/linux/if_link.h. */
const nativeMode = 1 << 2;

const uprobe = briefly((program) => attachUprobe(program, inNoCode), uprobeCauses);

/** Of every hook. What the kernel answers is from link_create() in kernel/bpf/syscall.c and what it calls (Linux 6.18). */
export const hookTrials: Readonly<Record<HookName, HookTrial>> = {
  xdp: {
    load: () => loadNothing({ prog_type: ProgramType.xdp, expected_attach_type: AttachType.xdp }),
    // An interface that is not there is EINVAL, as is a kernel without XDP links. The loopback has no native XDP.
    attach: (program) =>
      linkCreate({ prog_fd: program, target: loopback, attach_type: AttachType.xdp, flags: nativeMode }),
    there: [Errno.EOPNOTSUPP, Errno.EBUSY, Errno.EEXIST],
    needs: network,
    causes: xdpCauses,
  },
  tcx: onNoInterface(AttachType.tcx_ingress, tcxCauses),
  netkit: onNoInterface(AttachType.netkit_primary, netkitCauses),
  tc: {
    load: () => loadNothing({ prog_type: ProgramType.sched_cls }),
    // An interface that is not there is found out before a clsact is. The kernel may load its modules for this.
    attach: (program) => inEmptyNetwork(() => filterOnLoopback(program)),
    there: [],
    needs: [...network, 'CAP_SYS_ADMIN'],
    causes: tcCauses,
  },
  lwt: {
    load: () => loadNothing({ prog_type: ProgramType.lwt_out }),
    // The encapsulation is made before its interface is looked for.
    attach: (program) =>
      putRoute(
        {
          destination: Uint8Array.of(192, 0, 2, 1), // TEST-NET-1
          prefix: 32,
          ifindex: noInterface,
          via: undefined,
          table: 254,
          metric: 0,
        },
        { place: 'out', fd: program, name: trialName },
        'create',
      ).error,
    there: [Errno.ENODEV],
    needs: network,
    causes: lwtCauses,
  },
  netfilter: {
    load: () => loadNothing({ prog_type: ProgramType.netfilter, expected_attach_type: AttachType.netfilter }),
    attach: (program) =>
      linkCreate({ prog_fd: program, attach_type: AttachType.netfilter }, 'netfilter', {
        pf: 2, // NFPROTO_IPV4
        hooknum: 99,
      }),
    there: [Errno.EPROTO],
    needs: network,
    causes: netfilterCauses,
  },
  sk_lookup: onNoFd(ProgramType.sk_lookup, AttachType.sk_lookup, netnsCauses),
  flow_dissector: onNoFd(ProgramType.flow_dissector, AttachType.flow_dissector, netnsCauses),
  cgroup: onNoFd(ProgramType.cgroup_skb, AttachType.cgroup_inet_ingress, cgroupCauses),
  sk_msg: onNoFd(ProgramType.sk_msg, AttachType.sk_msg_verdict, sockmapCauses),
  sk_skb: onNoFd(ProgramType.sk_skb, AttachType.sk_skb_verdict, sockmapCauses),
  socket_filter: {
    load: () => loadNothing({ prog_type: ProgramType.socket_filter }),
    attach: (program) => onOwnSocket((fd) => setSocketOption(fd, SocketOption.SO_ATTACH_BPF, program)),
    there: [],
    needs: ['CAP_BPF'],
    causes: socketFilterCauses,
  },
  sk_reuseport: {
    load: () =>
      loadNothing({
        prog_type: ProgramType.sk_reuseport,
        expected_attach_type: AttachType.sk_reuseport_select,
      }),
    attach: (program) =>
      onOwnSocket((fd) => setSocketOption(fd, SocketOption.SO_ATTACH_REUSEPORT_EBPF, program)),
    // It is no TCP or UDP socket.
    there: [Errno.ENOTSUPP, Errno.EOPNOTSUPP],
    needs: network,
    causes: skReuseportCauses,
  },
  tracepoint: {
    load: () => loadNothing({ prog_type: ProgramType.tracepoint }),
    // There is no tracepoint of that number, which the source of these events finds out if there is one.
    attach: (program) => {
      const event = perfEventOpen({ type: 2, config: 0xffffffff, sample_period: 1 }, -1, 0);
      return event === -Errno.EINVAL
        ? linkCreate({ prog_fd: program, target: noFd, attach_type: AttachType.perf_event })
        : event;
    },
    there: [Errno.EBADF],
    needs: tracing,
    causes: tracepointCauses,
  },
  raw_tracepoint: {
    load: () => loadNothing({ prog_type: ProgramType.raw_tracepoint }),
    attach: (program) => rawTracepointOpen(program, 'nx_bpf_no_such_tracepoint'),
    there: [Errno.ENOENT],
    needs: tracing,
    causes: rawTracepointCauses,
  },
  tp_btf: onItsTarget(
    kernelTracepoint('bpf_test_finish', 'sched_process_exec'),
    { prog_type: ProgramType.tracing, expected_attach_type: AttachType.trace_raw_tp },
    tpBtfCauses,
  ),
  iter: {
    load: () =>
      loadByBtf(kernelFunction('bpf_iter_task'), {
        prog_type: ProgramType.tracing,
        expected_attach_type: AttachType.trace_iter,
      }),
    // It runs when somebody reads it, and nobody does.
    attach: (program) => linkCreate({ prog_fd: program, attach_type: AttachType.trace_iter }),
    there: [],
    needs: tracing,
    causes: iterCauses,
  },
  perf_event: {
    load: () => loadNothing({ prog_type: ProgramType.perf_event }),
    attach: sampleThisThread,
    there: [],
    needs: tracing,
    causes: perfEventCauses,
  },
  fentry: onFunction(AttachType.trace_fentry),
  fexit: onFunction(AttachType.trace_fexit),
  // Setting the clock, which the program lets happen. Debian's 6.1 does not allow it at the test function.
  fmod_ret: onItsTarget(
    kernelFunction('security_settime64', 'bpf_modify_return_test'),
    { prog_type: ProgramType.tracing, expected_attach_type: AttachType.modify_return },
    trampolineCauses,
  ),
  freplace: {
    load: loadReplacement,
    attach: (program) => rawTracepointOpen(program),
    there: [],
    needs: tracing,
    causes: freplaceCauses,
  },
  // Of the hooks of security modules one that hardly ever comes: setting the clock, which the program allows.
  lsm: onItsTarget(
    kernelFunction('bpf_lsm_settime'),
    { prog_type: ProgramType.lsm, expected_attach_type: AttachType.lsm_mac },
    trampolineCauses,
  ),
  kprobe: briefly((program) => attachKprobe(program, { function: testFunction }), kprobeCauses),
  kretprobe: briefly((program) => attachKretprobe(program, { function: testFunction }), kprobeCauses),
  ksyscall: briefly((program) => attachKsyscall(program, rareCall), kprobeCauses),
  kretsyscall: briefly((program) => attachKretsyscall(program, rareCall), kprobeCauses),
  uprobe,
  uretprobe: briefly((program) => attachUretprobe(program, inNoCode), uprobeCauses),
  /** Its places are such probes, or those of uprobe_multi. */
  usdt: uprobe,
  uprobe_multi: onManyPlaces(AttachType.trace_uprobe_multi),
  uretprobe_multi: onManyPlaces(AttachType.trace_uprobe_multi, multiReturnFlag),
  uprobe_session: onManyPlaces(AttachType.trace_uprobe_session),
  kprobe_multi: onManyFunctions(AttachType.trace_kprobe_multi),
  kretprobe_multi: onManyFunctions(AttachType.trace_kprobe_multi, true),
  kprobe_session: onManyFunctions(AttachType.trace_kprobe_session),
};

/** In a network namespace of this thread's own, which holds a loopback alone and ends with the action. */
function inEmptyNetwork(action: () => number): number {
  return inOtherNetwork(() => unshare(Namespace.NETWORK), action);
}

/** The filter is removed here: what goes with a namespace goes some time later. */
function filterOnLoopback(program: number): number {
  const { error } = addClsact(loopback);
  if (error < 0) return error;
  const key = { ifindex: loopback, parent: filterParents.ingress, priority: 1, handle: 1 };
  const put = putFilter(key, { fd: program, name: trialName, directAction: true }, 'create').error;
  if (put === 0) removeFilter(key);
  removeClsact(loopback);
  return put;
}

function onOwnSocket(action: (fd: number) => number): number {
  const fd = routeSocket();
  try {
    return action(fd);
  } finally {
    closeFd(fd);
  }
}

/** On an event that does not come on x86-64 and arm64, and would be counted in this thread alone. */
function sampleThisThread(program: number): number {
  const event = perfEventOpen({ ...perfEvents['alignment-faults'], sample_period: 1 }, 0, -1);
  if (event < 0) return event;
  try {
    return linkCreate({ prog_fd: program, target: event, attach_type: AttachType.perf_event });
  } finally {
    closeFd(event);
  }
}
