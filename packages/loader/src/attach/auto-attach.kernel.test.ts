import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { loadFile, type Collection } from '../runtime';

const source = `
  #include <linux/bpf.h>
  #include <bpf/bpf_helpers.h>
  char LICENSE[] SEC("license") = "GPL";
  __u64 runs[4];
  #define COUNTING(section, name, index) \\
    SEC(section) int name(void *ctx) { __sync_fetch_and_add(&runs[index], 1); return 0; }
  COUNTING("tp/sched/sched_process_exec", on_tracepoint, 0)
  COUNTING("raw_tp/sched_process_exec", on_raw_tracepoint, 1)
  COUNTING("?tp/sched/no_such_event", on_nothing, 2)
  COUNTING("kprobe", on_kprobe, 3)
  COUNTING("xdp", on_xdp, 3)
`;

kernelSuite('attach to what the section name says', (kernel) => {
  const file = () => kernel.compile(source, { name: 'sections' });

  test('programs that say a place run there, the others are left', () => {
    const collection = loadFile(file());
    const links = collection.autoAttach();
    expect([...links].map(([name, link]) => [name, link.describe()])).toEqual([
      ['on_tracepoint', 'tracepoint sched/sched_process_exec'],
      ['on_raw_tracepoint', 'raw_tracepoint sched_process_exec'],
    ]);
    spawnSync('true');
    expect(runsOf(collection).map((count) => count > 0)).toEqual([true, true, false, false]);
    collection.close();
  });

  test('where one cannot be attached, none is', () => {
    const collection = loadFile(file(), { programs: ['on_tracepoint', 'on_raw_tracepoint', 'on_nothing'] });
    expect(() => collection.autoAttach()).toThrow(expect.objectContaining({ code: 'TRACEPOINT_NOT_FOUND' }));
    expect(collection.links).toEqual([]);
    const before = runsOf(collection); // something else may have been started meanwhile
    spawnSync('true');
    expect(runsOf(collection)).toEqual(before);
    collection.close();
  });
});

function runsOf(collection: Collection): number[] {
  return collection.variable<(number | bigint)[]>('runs').get().map(Number);
}
