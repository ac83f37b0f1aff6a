import { expect, test } from 'vitest';
import { AttachType, ProgramType, sectionMeaning, sectionRows } from '../object';
import { cgroupTypes } from './cgroup-types';
import { hookFor, hookNames, hooks } from './hooks';

test.each([
  ['xdp', ProgramType.xdp, undefined],
  ['tcx', ProgramType.sched_cls, AttachType.tcx_egress],
  ['tracepoint', ProgramType.tracepoint, 0],
  ['raw_tracepoint', ProgramType.raw_tracepoint_writable, 0],
  ['tp_btf', ProgramType.tracing, AttachType.trace_raw_tp],
  ['cgroup', ProgramType.cgroup_skb, AttachType.cgroup_inet_egress],
  ['cgroup', ProgramType.lsm, AttachType.lsm_cgroup],
  ['sk_lookup', ProgramType.sk_lookup, AttachType.sk_lookup],
  ['flow_dissector', ProgramType.flow_dissector, AttachType.flow_dissector],
  ['netfilter', ProgramType.netfilter, AttachType.netfilter],
  ['iter', ProgramType.tracing, AttachType.trace_iter],
  ['netkit', ProgramType.sched_cls, AttachType.netkit_peer],
  ['tcx', ProgramType.sched_cls, 0],
  ['perf_event', ProgramType.perf_event, 0],
  ['fentry', ProgramType.tracing, AttachType.trace_fentry],
  ['lsm', ProgramType.lsm, AttachType.lsm_mac],
  [undefined, ProgramType.tracing, undefined],
  [undefined, ProgramType.lsm, undefined],
  ['socket_filter', ProgramType.socket_filter, 0],
  ['sk_reuseport', ProgramType.sk_reuseport, AttachType.sk_reuseport_select_or_migrate],
  ['freplace', ProgramType.ext, 0],
  ['lwt', ProgramType.lwt_seg6local, 0],
  [undefined, ProgramType.struct_ops, 0],
])('%s is the hook of programs of type %i, attach type %s', (hook, type, attachType) => {
  expect(hookFor({ type, attachType })).toBe(hook);
});

test('every hook says what it is, and no two share an attach type, but the entry and the return of functions', () => {
  expect(hookNames.every((name) => hooks[name].about !== '')).toBe(true);
  const returns: readonly string[] = ['kretprobe_multi', 'uretprobe_multi'];
  const types = hookNames
    .filter((name) => !returns.includes(name))
    .flatMap((name) => hooks[name].attachTypes);
  expect(new Set(types).size).toBe(types.length);
});

test('a hook that needs a place has an option that is required', () => {
  for (const name of hookNames) {
    const required = Object.values(hooks[name].options).some((option) => option.required === true);
    expect([name, required]).toEqual([name, hooks[name].needsPlace]);
  }
});

const cgroupSections = sectionRows
  .map(([pattern]) => pattern.replace('+', ''))
  .filter((section) => /^(cgroup|lsm_cgroup|sockops)/.test(section));

test('the section table has cgroup programs', () => {
  expect(cgroupSections.length).toBeGreaterThan(25);
});

test.each(cgroupSections)('SEC("%s") can be attached to a cgroup', (section) => {
  const { type, attachType } = sectionMeaning(section);
  expect(cgroupTypes).toContainEqual(expect.objectContaining({ programType: type, attachType }));
  expect(hookFor({ type: type!, attachType })).toBe('cgroup');
});
