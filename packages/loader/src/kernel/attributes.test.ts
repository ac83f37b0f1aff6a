import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import * as attributes from './attributes';
import { BTF_INFO, LINK_INFO, LINK_INFO_PART, MAP_INFO, PROG_INFO } from './info-layouts';
import { type Layout } from './layout';

/** Fields that Debian 12's header (Linux 6.1) does not have yet. */
const newer = new Set([
  'value_type_btf_obj_fd',
  'map_token_fd',
  'log_true_size',
  'prog_token_fd',
  'fd_array_cnt',
  'path_fd',
  'relative',
  'expected_revision',
  'link_ids',
  'link_attach_flags',
  'revision',
  'batch_size',
  'cookie',
  'btf_log_true_size',
  'btf_flags',
  'btf_token_fd',
  'btf_vmlinux_id',
]);

/** Fields that share a place with others in C, and have a name of their own here. */
const inC: Readonly<Record<string, string>> = {
  attach_fd: 'attach_prog_fd',
  target: 'target_fd',
  id: 'start_id',
  'query.count': 'prog_cnt',
  new_fd: 'new_prog_fd',
  old_fd: 'old_prog_fd',
};

const inUnion: readonly (readonly [prefix: string, layout: Layout])[] = [
  ['', attributes.MAP_CREATE],
  ['', attributes.MAP_ELEMENT],
  ['batch.', attributes.MAP_BATCH],
  ['', attributes.PROG_LOAD],
  ['', attributes.OBJ],
  ['query.', attributes.PROG_QUERY],
  ['test.', attributes.TEST_RUN],
  ['', attributes.ID],
  ['info.', attributes.INFO],
  ['raw_tracepoint.', attributes.RAW_TRACEPOINT],
  ['', attributes.BTF_LOAD],
  ['task_fd_query.', attributes.TASK_FD_QUERY],
  ['link_create.', attributes.LINK_CREATE],
  ['link_create.', attributes.LINK_CREATE_PART.iter],
  ['link_create.perf_event.', attributes.LINK_CREATE_PART.perf_event],
  ['link_create.kprobe_multi.', attributes.LINK_CREATE_PART.kprobe_multi],
  ['link_create.tracing.', attributes.LINK_CREATE_PART.tracing],
  ['link_update.', attributes.LINK_UPDATE],
  ['link_detach.', attributes.LINK_DETACH],
  ['enable_stats.', attributes.ENABLE_STATS],
  ['iter_create.', attributes.ITER_CREATE],
  ['prog_bind_map.', attributes.PROG_BIND_MAP],
];

const linkParts = ['raw_tracepoint', 'tracing', 'cgroup', 'netns', 'xdp'] as const;

function assertions(type: string, prefix: string, layout: Layout): string[] {
  return Object.entries(layout)
    .filter(([name]) => !newer.has(name) && name !== 'gpl_compatible')
    .map(([name, [offset]]) => {
      const field = prefix + (type === 'union bpf_attr' ? (inC[prefix + name] ?? inC[name] ?? name) : name);
      return `_Static_assert(__builtin_offsetof(${type}, ${field}) == ${offset}, "${field}");`;
    });
}

test('every offset is that of the uapi header', () => {
  const lines = [
    ...inUnion.flatMap(([prefix, layout]) => assertions('union bpf_attr', prefix, layout)),
    ...assertions('struct bpf_map_info', '', MAP_INFO),
    ...assertions('struct bpf_prog_info', '', PROG_INFO),
    ...assertions('struct bpf_btf_info', '', BTF_INFO),
    ...assertions('struct bpf_link_info', '', LINK_INFO),
    ...linkParts.flatMap((part) => assertions('struct bpf_link_info', `${part}.`, LINK_INFO_PART[part])),
  ];
  expect(lines.length).toBeGreaterThan(150);
  compile(`#include <linux/bpf.h>\n${lines.join('\n')}\nint x;`);
  expect(() => compile(`#include <linux/bpf.h>\n${lines[5]!.replace('== ', '== 1')}\nint x;`)).toThrow(
    'static',
  );
});
