import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { loadWithBpftool } from '../../../tools/oracle/bpftool';
import { difference } from '../../../tools/oracle/difference';
import { closeAll } from '../../../tools/oracle/handles';
import { loadRelocated, relocateFile } from '../../../tools/oracle/ours';
import { runAll } from '../../../tools/oracle/run';
import { contentsSnapshot, snapshot } from '../../../tools/oracle/snapshot';
import { kernelSuite } from '../../../tools/testing/kernel';

const head = '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n';
const table = `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, long); }`;

/** Both files have a static `scale` and a static function `twice` of their own. */
const first = `${head}
${table} shared SEC(".maps");
int total = 3;
const volatile int limit = 100;
static volatile int scale = 5;
extern int second_value;
extern int from_second(int x);
static __attribute__((noinline)) int twice(int x) { return x * 2 + scale; }
SEC("socket") int one(void *ctx) {
  int key = 0;
  long *value = bpf_map_lookup_elem(&shared, &key);
  if (value) *value = total;
  return twice(from_second(total)) + second_value + limit;
}
char LICENSE[] SEC("license") = "GPL";`;
const second = `${head}
extern ${table} shared SEC(".maps");
int second_value = 11;
extern int total;
static volatile int scale = 7;
__weak int limit_of(int x) { return x > 50 ? 50 : x; }
static __attribute__((noinline)) int twice(int x) { return x + x + scale; }
int from_second(int x) { return twice(limit_of(x)); }
SEC("socket") int two(void *ctx) {
  int key = 1;
  long *value = bpf_map_lookup_elem(&shared, &key);
  if (value) *value = second_value;
  return from_second(total);
}`;

kernelSuite('objects that bpftool linked from several', (kernel) => {
  test('load as bpftool loads them', () => {
    const parts = [first, second].map((source, i) => kernel.compile(source, { name: `part${i}` }));
    const file = path.join(kernel.directory, 'linked.bpf.o');
    const { status, stderr } = spawnSync('bpftool', ['gen', 'object', file, ...parts], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);

    const pins = path.join(kernel.bpffs, 'ours');
    mkdirSync(pins);
    const peerPins = path.join(kernel.bpffs, 'peer');
    const peer = loadWithBpftool(file, peerPins);
    try {
      const ours = loadRelocated(relocateFile(file), pins);
      try {
        expect(difference(snapshot(peer), snapshot(ours))).toEqual([]);
        expect(runAll(ours)).toEqual({ one: (2 * 3 + 7) * 2 + 5 + 11 + 100, two: 2 * 3 + 7 });
        runAll(peer);
        expect(difference(contentsSnapshot(peer), contentsSnapshot(ours))).toEqual([]);
      } finally {
        closeAll(ours);
      }
    } finally {
      closeAll(peer);
      for (const directory of [pins, peerPins]) rmSync(directory, { recursive: true });
    }
  });
});
