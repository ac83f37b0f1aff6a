import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { packet, withObject } from '../../test/runtime-object';
import { countRuns, loadFile } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
__u64 total, ran_on, arrived;
static __attribute__((noinline)) int count(__u32 key)
{
	__u64 one = 1, *value = bpf_map_lookup_elem(&seen, &key);

	total++;
	return value ? 0 : bpf_map_update_elem(&seen, &key, &one, BPF_ANY);
}
SEC("xdp") int pass(struct xdp_md *ctx)
{
	count(ctx->ingress_ifindex);
	return XDP_PASS;
}
SEC("tcx/ingress") int arrive(struct __sk_buff *skb)
{
	arrived++;
	return -1;
}
SEC("raw_tp/sys_enter") int where(void *ctx)
{
	ran_on = bpf_get_smp_processor_id() + 1;
	return 0;
}
`;

kernelSuite('programs that are run, counted and dumped', (kernel) => {
  test('a program is run on the CPU that is asked for', () => {
    using collection = loadFile(kernel.compile(source, { name: 'runs' }));
    for (const cpu of [0, 1]) {
      collection.program('where').testRun({ context: [], cpu });
      expect(collection.variable('ran_on').get()).toBe(cpu + 1);
    }
    expect(() => collection.program('where').testRun({ context: [], cpu: 100_000 })).toThrow(/ENXIO|EINVAL/);
  });

  test('live frames go up the stack of the interface', () =>
    kernel.withVeth((veth) => {
      using collection = loadFile(kernel.compile(source, { name: 'runs' }));
      collection.attach('arrive', 'tcx', { interface: veth.interface, direction: 'ingress' });
      const context = new Uint8Array(24);
      const view = new DataView(context.buffer);
      // data_end and ingress_ifindex of struct xdp_md.
      view.setUint32(4, packet.length, true);
      view.setUint32(12, veth.ifindex, true);
      const run = { data: packet, context, repeat: 32 };
      collection.program('pass').testRun(run);
      expect(collection.variable('arrived').get()).toBe(0);
      collection.program('pass').testRun({ ...run, liveFrames: true, batchSize: 8 });
      expect([collection.variable('total').get(), collection.variable('arrived').get()]).toEqual([64, 32]);
    }));

  test('runs are counted while it is asked for, and no longer', () =>
    withObject(kernel, (collection) => {
      const emit = collection.program('emit');
      emit.testRun({ data: packet });
      expect(emit.statistics()).toEqual({ runTimeNs: 0n, runCount: 0n, recursionMisses: 0n });
      {
        using counting = countRuns();
        expect(counting.open).toBe(true);
        emit.testRun({ data: packet, repeat: 10 });
      }
      const counted = emit.statistics();
      expect(counted.runCount).toBe(10n);
      expect(counted.runTimeNs).toBeGreaterThan(0n);
      emit.testRun({ data: packet, repeat: 10 });
      expect(emit.statistics()).toEqual(counted);
      expect(emit.memlock).toBeGreaterThanOrEqual(4096);
      expect(collection.map('execs').memlock).toBeGreaterThanOrEqual(65536);
    }));

  test('a dump names maps, variables, functions and helpers, and shows the lines of C', () => {
    using collection = loadFile(kernel.compile(source, { name: 'runs' }));
    const dump = collection.program('pass').dump();
    const texts = dump.map(({ text }) => text);
    expect(texts.filter((text) => text.startsWith('call '))).toEqual([
      'call count',
      expect.stringMatching(/^call .*htab_map_lookup_elem$/),
      expect.stringMatching(/^call .*htab_map_update_elem$/),
    ]);
    expect(texts).toContain('r1 = map[seen]');
    expect(texts.some((text) => /^r1 = map\[runs.bss\]\[0\]\+\d+$/.test(text))).toBe(true);
    expect(dump.filter((line) => line.function !== undefined).map((line) => line.function)).toEqual([
      'pass',
      'count',
    ]);
    const line = dump.find((one) => one.source?.text.startsWith('count(ctx->ingress_ifindex)'));
    expect(line?.source?.file).toMatch(/\.c$/);
    expect(line?.source?.line).toBe(source.split('\n').findIndex((text) => text.includes('count(ctx->')) + 1);
    expect(dump[0]?.insn).toBe(0);
  });
});
