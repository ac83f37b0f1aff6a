import fs from 'node:fs';
import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import { expect, test, vi } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { destroy } from '../apply';
import { watch } from './watch';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "version.h"
__u64 seen[3];
SEC("xdp") int guard(struct xdp_md *ctx) { __sync_fetch_and_add(&seen[VERSION], 1); return XDP_PASS; }
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('apply --watch', (kernel) => {
  const fixture = new DeploymentFixture(kernel);

  test('a saved header is a new program on the interface; one that does not compile leaves the old one there', async () => {
    fixture.reset();
    const write = (name: string, text: string): void =>
      fs.writeFileSync(path.join(fixture.workspace, 'p/src', name), text);
    fs.mkdirSync(path.join(fixture.workspace, 'p/src'));
    write('edge.bpf.c', source);
    write('version.h', '#define VERSION 1\n');
    await kernel.withVeth(async (veth) => {
      fixture.manifest(`
version: 1
objects: { edge: {} }
programs: { guard: { attach: [{ id: uplink, xdp: { interface: ${veth.interface} } }] } }
`);
      /** Which versions of the program count packets that come now. */
      const counting = (): number[] => {
        veth.sendFromFar(2);
        const data = BpfMap.open<number, { seen: number[] }>(path.join(fixture.layout.maps, 'edge_bss'));
        const [[, value]] = [...data.entries()] as [[number, { seen: number[] }]];
        data.close();
        return value.seen.map(Number);
      };
      const result = (): { error: { code: string } | null; generation?: number } =>
        JSON.parse(
          fs.readFileSync(path.join(fixture.workspace, 'p/dist/bpf/dev/apply.json'), 'utf8'),
        ) as ReturnType<typeof result>;
      const eventually = (check: () => void) => vi.waitFor(check, { timeout: 20_000, interval: 20 });

      const stop = new AbortController();
      const ended = watch('apply', { workspaceRoot: fixture.workspace, project: 'p' }, stop.signal);
      await eventually(() => expect(result().generation).toBe(1));
      expect(counting()).toEqual([0, 2, 0]);

      write('version.h', '#define VERSION 2\n');
      await eventually(() => expect(result().generation).toBe(2));
      expect(counting()).toEqual([0, 0, 2]);

      write('version.h', '#define VERSION\n');
      await eventually(() => expect(result().error?.code).toBe('COMPILE_FAILED'));
      expect(counting()).toEqual([0, 0, 4]);

      stop.abort();
      expect(await ended).toMatchObject({ success: false });
      await destroy(fixture.load(), () => undefined);
    });
  });
});
