import { readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { loadFile, type Collection } from '../runtime';
import { attachIter, iterate, iterText, Link, linkDescription } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; };
struct task_struct { int pid, tgid; };
struct kernfs_node { __u64 id; };
struct cgroup { struct kernfs_node *kn; };
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; };
struct bpf_iter__cgroup { struct bpf_iter_meta *meta; struct cgroup *cgroup; };
struct bpf_iter__bpf_map_elem { struct bpf_iter_meta *meta; void *map; void *key; void *value; };
#pragma clang attribute pop

char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u32); } ports SEC(".maps");

SEC("iter/task") int tasks(struct bpf_iter__task *ctx)
{
  struct task_struct *task = ctx->task;
  if (task) BPF_SEQ_PRINTF(ctx->meta->seq, "%d of %d\\n", task->pid, task->tgid);
  return 0;
}
SEC("iter/task") int shorter(struct bpf_iter__task *ctx)
{
  struct task_struct *task = ctx->task;
  if (task) BPF_SEQ_PRINTF(ctx->meta->seq, "%d\\n", task->pid);
  return 0;
}
SEC("iter/cgroup") int cgroups(struct bpf_iter__cgroup *ctx)
{
  struct cgroup *cgroup = ctx->cgroup;
  if (cgroup) BPF_SEQ_PRINTF(ctx->meta->seq, "%llu\\n", cgroup->kn->id);
  return 0;
}
SEC("iter/bpf_map_elem") int elements(struct bpf_iter__bpf_map_elem *ctx)
{
  __u32 *key = ctx->key, *value = ctx->value;
  if (key && value) BPF_SEQ_PRINTF(ctx->meta->seq, "%d=%d\\n", *key, *value);
  return 0;
}
`;

kernelSuite('attach an iterator', (kernel) => {
  let collection: Collection;
  beforeAll(() => {
    collection = loadFile(kernel.compile(source, { name: 'iter' }));
  });
  afterAll(() => collection.close());

  test('the threads of this process, of every process, and one alone; an update changes what is written', () => {
    const own = attachIter(collection.program('tasks'), { pid: process.pid });
    expect([own.hook, own.describe(), linkDescription(own.info())]).toEqual([
      'iter',
      `iter task of process ${process.pid}`,
      'iter task',
    ]);
    const lines = iterText(own).trim().split('\n');
    expect(lines).toContain(`${process.pid} of ${process.pid}`);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.every((line) => line.endsWith(` of ${process.pid}`))).toBe(true);
    own.update(collection.program('shorter'), collection.program('tasks'));
    expect(iterText(own)).toMatch(new RegExp(`^${process.pid}\n`));
    expect(() => own.update(collection.program('cgroups'))).toThrow(/EINVAL/);
    expect(() => own.detach()).toThrow(/detach when they are closed/);
    own.close();
    const all = attachIter(collection.program('tasks'));
    expect(iterText(all)).toContain(`\n${process.ppid} of ${process.ppid}\n`);
    all.close();
    const one = attachIter(collection.program('tasks'), { tid: process.pid });
    expect(iterText(one)).toBe(`${process.pid} of ${process.pid}\n`);
    one.close();
  });

  test('a pinned iterator is read by cat, and opened again; a walk can end early', () => {
    const pin = path.join(kernel.bpffs, 'tasks');
    const link = attachIter(collection.program('tasks'), { name: 'task' });
    link.pin(pin);
    link.close();
    expect(readFileSync(pin, 'utf8')).toContain(`${process.pid} of ${process.pid}\n`);
    const opened = Link.open(pin);
    for (const bytes of iterate(opened)) {
      expect(Buffer.from(bytes).toString()).toMatch(/^\d+ of \d+\n/);
      break;
    }
    opened.close();
    rmSync(pin);
  });

  test('the elements of a map, by fd and by pin', () => {
    const map = collection.map<number, number>('ports');
    map.update(80, 1);
    map.update(443, 2);
    const pin = path.join(kernel.bpffs, 'ports');
    map.pin(pin);
    for (const given of [map, pin]) {
      const link = attachIter(collection.program('elements'), { map: given });
      expect(iterText(link).trim().split('\n').sort()).toEqual(['443=2', '80=1']);
      expect(link.info().target).toMatchObject({ kind: 'iter', text: 'bpf_map_elem', map_id: map.id });
      expect(linkDescription(link.info())).toBe(`iter bpf_map_elem of map ${map.id}`);
      link.close();
    }
    rmSync(pin);
    expect(() => attachIter(collection.program('elements'))).toThrow(/EBADF .*name it as the option map/);
  });

  test('a cgroup and those above it', async () => {
    await kernel.withCgroup((cgroup) => {
      const id = (directory: string) => String(statSync(directory, { bigint: true }).ino);
      const self = attachIter(collection.program('cgroups'), { cgroup, order: 'self' });
      expect(iterText(self)).toBe(`${id(cgroup)}\n`);
      self.close();
      const up = attachIter(collection.program('cgroups'), { cgroup, order: 'ancestors_up' });
      expect(iterText(up).split('\n').slice(0, 2)).toEqual([id(cgroup), id(path.dirname(cgroup))]);
      up.close();
      expect(() => attachIter(collection.program('cgroups'), { cgroup: `${cgroup}x` })).toThrow(
        expect.objectContaining({ code: 'CGROUP_NOT_FOUND' }),
      );
    });
  });

  test('another kind than the program was loaded for, two starts, and a start that it does not take', () => {
    const tasks = collection.program('tasks');
    expect(() => attachIter(tasks, { name: 'cgroup' })).toThrow(
      "program 'tasks' cannot be attached to iter cgroup: found a program that was loaded for task; change its section name to iter/cgroup",
    );
    expect(() => attachIter(tasks, { pid: 1, tid: 1 })).toThrow('at most one of map, pid, tid and cgroup');
    expect(() => attachIter(collection.program('cgroups'))).toThrow(/EINVAL .*or needs one/);
  });
});
