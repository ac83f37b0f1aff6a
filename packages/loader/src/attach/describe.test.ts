import { expect, test } from 'vitest';
import { type LinkInfo, type LinkTarget } from '../kernel';
import { linkDescription, type LinkNames } from './describe';

const names: LinkNames = {
  interfaces: [
    { index: 4, name: 'veth0', xdp: [{ mode: 'generic', programId: 9 }] },
    { index: 5, name: 'eth0', xdp: [] },
  ],
  functions: () => new Map([[0x10n, 'vfs_read']]),
  cgroup: (id) => (id === 77n ? '/agent' : undefined),
};
const link = (target: LinkTarget, programId = 9): LinkInfo => ({
  id: 1,
  type: 0,
  typeName: target.kind,
  programId,
  target,
});

const event = (name: string, text: string, offset = 0, address = 0n): LinkTarget => ({
  kind: 'perf_event',
  event: name,
  text,
  offset,
  address,
  cookie: 0n,
});

const kprobes = (addresses: readonly bigint[], flags = 0): LinkTarget => ({
  kind: 'kprobe_multi',
  text: '',
  count: addresses.length,
  flags,
  missed: 0n,
  addresses,
  cookies: [],
});
const uprobes = (file: string, offsets: readonly bigint[], flags = 0): LinkTarget => ({
  kind: 'uprobe_multi',
  text: file,
  path_size: file.length + 1,
  count: offsets.length,
  flags,
  pid: 0,
  offsets,
  cookies: [],
});

const shown: readonly [LinkTarget, string][] = [
  [{ kind: 'xdp', text: '', ifindex: 4 }, 'xdp on veth0 (generic)'],
  [{ kind: 'xdp', text: '', ifindex: 5 }, 'xdp on eth0'],
  [{ kind: 'xdp', text: '', ifindex: 12 }, 'xdp on interface 12'],
  [{ kind: 'xdp', text: '', ifindex: 0 }, 'xdp on a device that is gone'],
  [{ kind: 'tcx', text: '', ifindex: 5, attach_type: 47 }, 'tcx egress on eth0'],
  [{ kind: 'netkit', text: '', ifindex: 5, attach_type: 54 }, 'netkit primary on eth0'],
  [{ kind: 'cgroup', text: '', cgroup_id: 77n, attach_type: 10 }, 'cgroup connect4 on /agent'],
  [{ kind: 'cgroup', text: '', cgroup_id: 78n, attach_type: 1 }, 'cgroup egress on cgroup 78'],
  [{ kind: 'cgroup', text: '', cgroup_id: 0n, attach_type: 1 }, 'cgroup egress on a cgroup that is gone'],
  [{ kind: 'struct_ops', text: '', map_id: 3 }, 'struct_ops map 3'],
  [
    { kind: 'tracing', text: '', attach_type: 24, target_obj_id: 1, target_btf_id: 50, cookie: 0n },
    'fentry (BTF type 50)',
  ],
  [event('tracepoint', 'sched_switch'), 'tracepoint sched_switch'],
  [event('unspec', ''), 'perf_event'],
  [event('kprobe', 'do_unlinkat', 16), 'kprobe do_unlinkat+0x10'],
  [event('kretprobe', 'do_unlinkat'), 'kretprobe do_unlinkat'],
  [event('kprobe', '', 0, 0xffffffff81000000n), 'kprobe 0xffffffff81000000'],
  [event('uprobe', '/usr/bin/node', 4096), 'uprobe /usr/bin/node+0x1000'],
  [kprobes([0x10n, 0x20n]), 'kprobe_multi vfs_read, 0x20'],
  [kprobes([1n, 2n, 3n, 4n, 5n], 1), 'kretprobe_multi 0x1, 0x2, 0x3 and 2 more'],
  [kprobes([0n, 0n]), 'kprobe_multi of 2 functions'],
  [kprobes([]), 'kprobe_multi'],
  [uprobes('/usr/bin/node', [16n, 32n]), 'uprobe_multi /usr/bin/node+0x10, /usr/bin/node+0x20'],
  [uprobes('', [], 1), 'uretprobe_multi'],
];

test('hook and place of every kind of link', () => {
  expect(shown.map(([target]) => linkDescription(link(target), names))).toEqual(
    shown.map(([, text]) => text),
  );
});

test('without names, numbers are shown', () => {
  expect(linkDescription(link({ kind: 'xdp', text: '', ifindex: 4 }), {})).toBe('xdp on interface 4');
});
