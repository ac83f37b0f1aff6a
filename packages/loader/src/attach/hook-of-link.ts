import { type LinkInfo } from '../kernel';
import { AttachType } from '../object';

/** Name of the hook that a link is on: that of its kind, and for the kinds with many hooks the hook's own. */
export function hookOfLink({ typeName, target }: LinkInfo): string {
  if (target.kind === 'tracing' && target.attach_type === AttachType.trace_raw_tp) return 'tp_btf';
  if (target.kind === 'perf_event' && target.event === 'tracepoint') return 'tracepoint';
  return typeName;
}
