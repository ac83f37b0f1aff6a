import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite, type Veth } from '../../../../tools/testing/kernel';
import { type KilledApply } from '../../../../tools/testing/killed-apply';
import { destroy, status } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 version = 0;
struct setting { __u64 weight; __u32 more[FIELDS]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 3); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, struct setting); } settings SEC(".maps");
static void count(__u32 at) {
  __u64 *total = bpf_map_lookup_elem(&hits, &at);
  if (total) __sync_fetch_and_add(total, 1);
}
SEC("xdp") int guard(void *ctx) {
  __u32 key = version;
  if (bpf_map_lookup_elem(&settings, &key)) count(2);
  count(0);
  return XDP_PASS;
}
SEC("tcx/ingress") int police(void *ctx) { if (version != ~0u) count(1); return -1; }
SEC("raw_tp/sched_process_exec") int monitor(void *ctx) { return version & 1; }
`;

const upgrades = 100;
/** Sends datagrams until its stdin ends, at most for some minutes, then prints how many. */
const sender = `
const socket = require('node:dgram').createSocket('udp4');
let sent = 0, going = true, rounds = 0;
const send = () => new Promise((done, fail) => socket.send('x', 9, process.argv[1], (e) => e ? fail(e) : done()));
process.stdin.on('end', () => { going = false; }).resume();
(async () => {
  while (going && rounds++ < 300000) {
    await send(); sent++;
    if (sent === 1) console.log('sending');
    await new Promise((next) => setTimeout(next, 1));
  }
  socket.close();
  console.log(sent);
})();
`;

kernelSuite('upgrades under traffic', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const object = (fields: number): NamedObject[] => [
    { name: 'edge', file: kernel.compile(source, { name: `edge-${fields}`, flags: [`-DFIELDS=${fields}`] }) },
  ];
  const start = async (objects: readonly NamedObject[], set: readonly string[]): Promise<ChildProcess> => {
    const { workspace, cacheFolder } = fixture;
    const request: KilledApply = { workspace, objects, set, cacheFolder, bpffs: kernel.bpffs };
    const child = spawn(
      process.execPath,
      ['-r', './tools/run-source.js', 'tools/testing/killed-apply.ts', JSON.stringify(request)],
      { cwd: path.resolve(__dirname, '../../../..'), stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await once(child.stdout!, 'data');
    return child;
  };
  const withTraffic = async (veth: Veth, work: () => Promise<void>): Promise<number> => {
    const child = spawn(
      'ip',
      ['netns', 'exec', veth.farNetns, process.execPath, '-e', sender, veth.nearAddress],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (data: string) => (text += data));
    await once(child.stdout, 'data');
    try {
      await work();
    } finally {
      child.stdin.end();
      await once(child, 'exit');
    }
    return Number(text.trim().split('\n').at(-1));
  };

  test(
    `${upgrades} of them, every fifth killed, every tenth with a map that migrates: no packet passes unseen`,
    { timeout: 600_000 },
    () =>
      kernel.withVeth(async (veth) => {
        fixture.reset();
        fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
maps: { settings: { migrate: copy } }
programs:
  guard: { object: edge, attach: [{ id: uplink, xdp: { interface: ${veth.interface} } }] }
  police: { object: edge, attach: [{ id: police, tcx: { interface: ${veth.interface} } }] }
  monitor: { object: edge, attach: [{ id: exec, raw_tracepoint: {} }] }
`);
        await fixture.apply(object(1));
        const settings = BpfMap.open(path.join(fixture.layout.maps, 'settings'));
        settings.update(1, { weight: 42n, more: [7] });
        settings.close();
        let killed = 0;
        let migrated = 0;
        const sent = await withTraffic(veth, async () => {
          let objects = object(1);
          for (let i = 1; i <= upgrades; i++) {
            const set = `objects.edge.constants.version=${i}`;
            if (i % 10 === 0) objects = object(1 + i / 10);
            if (i % 5 !== 4) {
              const { plan } = await fixture.apply(objects, set);
              expect(plan.empty).toBe(false);
              if (plan.maps.some(({ action }) => action === 'migrate')) migrated++;
              continue;
            }
            const child = await start(objects, [set]);
            // Some step of it, another one each time.
            child.stdin!.end(`${1 + ((i * 7) % 31)}\n`);
            const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
            if (signal === 'SIGKILL') killed++;
          }
        });
        await fixture.apply(object(1 + upgrades / 10), `objects.edge.constants.version=${upgrades}`);
        const hits = BpfMap.open(path.join(fixture.layout.maps, 'hits'));
        expect({ guard: hits.lookup(0), police: hits.lookup(1) }).toEqual({ guard: sent, police: sent });
        hits.close();
        const kept = BpfMap.open(path.join(fixture.layout.maps, 'settings'));
        expect(kept.lookup(1)).toMatchObject({ weight: 42 });
        expect(kept.valueSize).toBe(8 + 4 * (1 + upgrades / 10) + 4);
        kept.close();
        expect(sent).toBeGreaterThan(1000);
        expect(killed).toBeGreaterThan(15);
        expect(migrated).toBe(upgrades / 10);
        expect(status(fixture.load())).toMatchObject({ state: 'healthy', drift: [] });
        console.log(
          `${sent} packets during ${upgrades} upgrades, ${killed} killed, ${migrated} with a migration`,
        );
        await destroy(fixture.load(), () => undefined);
        expect(fixture.pins()).toEqual([]);
      }),
  );
});
