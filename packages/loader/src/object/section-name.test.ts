import { describe, expect, test } from 'vitest';
import { AttachType } from './attach-types';
import { MapType, mapTypeName, mapTypes } from './map-types';
import { ProgramType, programTypeName } from './program-types';
import { loadableType } from './programs';
import { sectionMeaning } from './section-name';
import { sectionRows } from './section-rows';

describe('section names', () => {
  test.each([
    ['xdp', { type: ProgramType.xdp, attachType: AttachType.xdp, attachTypeOptional: true, flags: 0 }],
    [
      'xdp.frags',
      { type: ProgramType.xdp, attachType: AttachType.xdp, attachTypeOptional: false, flags: 32 },
    ],
    [
      'xdp.frags/devmap',
      { type: ProgramType.xdp, attachType: AttachType.xdp_devmap, flags: 32, target: undefined },
    ],
    ['tc', { type: ProgramType.sched_cls, attachType: 0 }],
    ['tcx/egress', { type: ProgramType.sched_cls, attachType: AttachType.tcx_egress, target: undefined }],
    ['cgroup_skb/egress', { type: ProgramType.cgroup_skb, attachType: 1, attachTypeOptional: true }],
    ['kprobe', { type: ProgramType.kprobe, target: undefined }],
    ['kprobe/do_unlinkat', { type: ProgramType.kprobe, attachType: 0, target: 'do_unlinkat' }],
    [
      'kprobe.multi/tcp_*',
      { type: ProgramType.kprobe, attachType: AttachType.trace_kprobe_multi, target: 'tcp_*' },
    ],
    ['uprobe.s//bin/bash:readline', { type: ProgramType.kprobe, flags: 16, target: '/bin/bash:readline' }],
    ['tracepoint/sched/sched_switch', { type: ProgramType.tracepoint, target: 'sched/sched_switch' }],
    ['syscall', { type: ProgramType.syscall, flags: 16 }],
    [
      'tp_btf/sched_process_exec',
      {
        type: ProgramType.tracing,
        attachType: AttachType.trace_raw_tp,
        target: 'sched_process_exec',
        btfTarget: { prefix: 'btf_trace_', kind: 'typedef' },
      },
    ],
    ['fentry.s/f', { type: ProgramType.tracing, flags: 16, btfTarget: { prefix: '', kind: 'func' } }],
    ['lsm/file_open', { type: ProgramType.lsm, btfTarget: { prefix: 'bpf_lsm_', kind: 'func' } }],
    [
      'lsm_cgroup/socket_bind',
      { attachType: AttachType.lsm_cgroup, btfTarget: { prefix: 'bpf_lsm_', kind: 'func' } },
    ],
    [
      'iter/task',
      { attachType: AttachType.trace_iter, target: 'task', btfTarget: { prefix: 'bpf_iter_', kind: 'func' } },
    ],
    ['freplace/f', { type: ProgramType.ext, target: 'f', btfTarget: undefined }],
    ['fentry.multi/tcp_*', { attachType: AttachType.trace_fentry_multi, btfTarget: undefined }],
  ])('%s', (section, meaning) => {
    expect(sectionMeaning(section)).toMatchObject(meaning);
  });

  test.each(['', 'xdp/other', 'xdpp', 'kprobes', 'tcx', 'classifier/ingress', '.text'])(
    '%s means nothing',
    (section) => {
      expect(sectionMeaning(section)).toMatchObject({ type: undefined, attachType: 0, target: undefined });
    },
  );

  test('the table is complete, and each of its patterns finds its own row', () => {
    expect(sectionRows).toHaveLength(116);
    expect(new Set(sectionRows.map(([pattern]) => pattern)).size).toBe(116);
    for (const [pattern, type, attachType] of sectionRows) {
      const found = sectionMeaning(pattern.replace('+', '/x').replace('//', '/'));
      expect([pattern, found.type, found.attachType]).toEqual([
        pattern,
        ProgramType[type],
        attachType === undefined ? 0 : AttachType[attachType],
      ]);
    }
  });
});

describe('a program without a type is an error when it is to be loaded', () => {
  test.each([
    ['kprob/do_exit', 'found SEC("kprob/do_exit"); did you mean SEC("kprobe/do_exit")'],
    ['xpd', 'did you mean SEC("xdp")'],
    ['whatever_this_is', 'use a section name of libbpf'],
  ])('%s', (section, text) => {
    expect(() => loadableType({ name: 'p', section, type: undefined })).toThrow(text);
    expect(() => loadableType({ name: 'p', section, type: undefined })).toThrow(
      "program 'p': its section name says no",
    );
  });

  test('a type that the caller set is good', () => {
    expect(loadableType({ name: 'p', section: 'xpd', type: ProgramType.xdp })).toBe(ProgramType.xdp);
  });
});

test('names and numbers', () => {
  expect(mapTypeName(MapType.lpm_trie)).toBe('lpm_trie');
  expect(MapType.lpm_trie).toBe(11);
  expect(mapTypes.number('ringbuf')).toBe(27);
  expect(mapTypes.number('nothing')).toBeUndefined();
  expect(mapTypeName(999)).toBe('type 999');
  expect(programTypeName(6)).toBe('xdp');
});
