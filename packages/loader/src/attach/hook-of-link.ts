import { multiReturnFlag, programInfo, withObject, type LinkInfo } from '../kernel';
import { AttachType, ProgramType } from '../object';

/**
 * Name of the hook that a link is on: that of its kind, and for kinds with many hooks the hook's own.
 *
 * The kernel makes a raw tracepoint link for tp_btf too (bpf_raw_tp_link_attach()): there the program's type tells,
 * which takes CAP_SYS_ADMIN to look up; without it the answer is `raw_tracepoint` for both.
 *
 * @example
 * ```ts
 * hookOfLink(link.info()); // 'xdp'
 * ```
 */
export function hookOfLink({ typeName, programId, target }: LinkInfo): string {
  switch (target.kind) {
    case 'raw_tracepoint':
      return programType(programId) === ProgramType.tracing ? 'tp_btf' : 'raw_tracepoint';
    case 'tracing':
      return tracingHooks[target.attach_type] ?? typeName;
    case 'sockmap':
      return target.attach_type === AttachType.sk_msg_verdict ? 'sk_msg' : 'sk_skb';
    case 'netns':
      return netnsHooks[target.attach_type] ?? typeName;
    case 'kprobe_multi':
      return target.flags & multiReturnFlag ? 'kretprobe_multi' : typeName;
    case 'uprobe_multi':
      return target.flags & multiReturnFlag ? 'uretprobe_multi' : typeName;
    case 'perf_event':
      return target.event === 'unspec' || target.event === 'event' ? typeName : target.event;
    default:
      return typeName;
  }
}

/** Programs that replace a function have no attach type: their links say 0 (bpf_tracing_prog_attach()). */
const noAttachType = 0;

const tracingHooks: Readonly<Record<number, string>> = {
  [noAttachType]: 'freplace',
  [AttachType.trace_fentry]: 'fentry',
  [AttachType.trace_fexit]: 'fexit',
  [AttachType.modify_return]: 'fmod_ret',
  [AttachType.lsm_mac]: 'lsm',
};

const netnsHooks: Readonly<Record<number, string>> = {
  [AttachType.flow_dissector]: 'flow_dissector',
  [AttachType.sk_lookup]: 'sk_lookup',
};

function programType(id: number): number | undefined {
  try {
    return withObject('program', id, (fd) => programInfo(fd).type);
  } catch {
    return undefined;
  }
}
