import fs from 'node:fs';
import path from 'node:path';
import { loadFile } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { CommandLine } from '../../../../../tools/testing/command-line';
import { kernelSuite } from '../../../../../tools/testing/kernel';
import { type LinkRow } from './list';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
__u64 packets;
SEC("xdp") int count_every_packet(struct xdp_md *ctx) { __sync_fetch_and_add(&packets, 1); return XDP_PASS; }
SEC("raw_tp/sched_process_exec") int watch(void *ctx) { return 0; }
`;

kernelSuite('nx-bpf link', (kernel) => {
  const nxBpf = new CommandLine(kernel);

  test('list says where in words; detach takes the program off its hook', async () => {
    const collection = loadFile(kernel.compile(source, { name: 'links' }));
    const pins = path.join(kernel.bpffs, 'links');
    try {
      await kernel.withVeth((veth) => {
        const link = collection.attach('count_every_packet', 'xdp', { interface: veth.interface });
        const tracing = collection.attach('watch', 'raw_tracepoint', {});
        if (!('pin' in link) || !('pin' in tracing)) throw new Error('links of these hooks are pinned');
        link.pin(path.join(pins, 'uplink'));
        tracing.pin(path.join(pins, 'watch'));
        const packets = collection.variable<number>('packets');
        veth.sendFromFar(2);
        expect(packets.get()).toBe(2);

        const listed = nxBpf.json('link', 'list', '--hook', 'xdp,tcx') as LinkRow[];
        expect(listed.filter(({ hook }) => hook !== 'xdp' && hook !== 'tcx')).toEqual([]);
        expect(listed.find(({ id }) => id === link.id)).toMatchObject({
          where: expect.stringMatching(new RegExp(`^xdp on ${veth.interface} \\(`)) as string,
          program: 'count_every_packet',
          owner: null,
          pins: [path.join(pins, 'uplink')],
        });
        expect(nxBpf.run('link', 'list').stdout).toMatch(/raw_tracepoint sched_process_exec +watch \(\d+\)/);

        expect(nxBpf.run('link', 'detach', path.join(pins, 'uplink')).stdout).toContain(
          `detached: xdp on ${veth.interface}`,
        );
        veth.sendFromFar(3);
        expect(packets.get()).toBe(2);

        expect(nxBpf.run('link', 'detach', String(tracing.id))).toMatchObject({
          status: 8,
          stderr: expect.stringContaining('detach when they are closed and their pins are removed') as string,
        });
        expect(nxBpf.run('link', 'detach', '999999999').stderr).toContain('LINK_NOT_FOUND');
        expect(nxBpf.run('link', 'list', '--hook', 'tcxx').stderr).toContain('did you mean tcx?');
      });
    } finally {
      fs.rmSync(pins, { recursive: true, force: true });
      collection.close();
    }
  });
});
