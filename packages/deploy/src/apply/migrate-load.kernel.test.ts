import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { type Datagrams } from '../../../../tools/testing/datagrams';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { type Migration } from './fill-maps';
import { destroy } from './index';

const keys = 100_000;

/** Counts the datagrams that leave a cgroup by the number that they carry. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct count { VALUE };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 131072); __type(key, __u32); __type(value, struct count); } counts SEC(".maps");
__u64 total;
SEC("cgroup_skb/egress") int account(struct __sk_buff *skb) {
  __u32 key;
  struct count empty = {}, *value;
  if (bpf_skb_load_bytes(skb, 28, &key, sizeof(key))) return 1;
  value = bpf_map_lookup_elem(&counts, &key);
  if (!value) {
    bpf_map_update_elem(&counts, &key, &empty, BPF_NOEXIST);
    value = bpf_map_lookup_elem(&counts, &key);
  }
  if (value) __sync_fetch_and_add(&value->packets, 1);
  __sync_fetch_and_add(&total, 1);
  return 1;
}
`;

kernelSuite('100,000 entries that grow by a field', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());
  afterEach(() => fs.rmSync(fixture.root, { recursive: true, force: true }));
  const object = (version: 1 | 2): NamedObject[] => {
    const value = version === 1 ? '__u64 packets;' : '__u64 packets; __u64 bytes;';
    return [
      { name: 'account', file: kernel.compile(source, { name: `v${version}`, flags: [`-DVALUE=${value}`] }) },
    ];
  };
  const counts = (): BpfMap<number, { packets: number }> =>
    BpfMap.open(path.join(fixture.layout.maps, 'counts'));
  const sum = (): number => {
    const map = counts();
    let packets = 0;
    for (const [, value] of map.entries()) packets += value.packets;
    map.close();
    return packets;
  };
  /** Sends while `work` is done, or before and after it. */
  const sendAround = async (
    cgroup: string,
    during: boolean,
    work: () => Promise<void>,
  ): Promise<{ sent: number; rate: number }> => {
    const stop = path.join(kernel.directory, 'stop');
    fs.rmSync(stop, { force: true });
    const sender = path.resolve(__dirname, '../../../../tools/testing/datagrams.ts');
    const request: Datagrams = { cgroup, keys, stop };
    const child = spawn(process.execPath, ['-r', './tools/run-source.js', sender, JSON.stringify(request)], {
      cwd: path.resolve(__dirname, '../../../..'),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise((resolve) => child.on('close', resolve));
    const until = async (met: () => boolean): Promise<void> => {
      while (!met() && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
    };
    try {
      await until(() => output.includes('ready'));
      // Some rounds through all keys.
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (!during) {
        fs.writeFileSync(stop, '');
        await ended;
      }
      await work();
      await new Promise((resolve) => setTimeout(resolve, 200));
    } finally {
      fs.writeFileSync(stop, '');
      await ended;
    }
    const { sent, milliseconds } = JSON.parse(output.split('\n')[1]!) as {
      sent: number;
      milliseconds: number;
    };
    return { sent, rate: Math.round((sent / milliseconds) * 1000) };
  };

  test.each([
    ['overwrite', 'copy', true],
    ['merge: sum', '{ copy: { fields: { packets: { merge: sum } } } }', true],
    ['a quiet map', 'copy', false],
  ])('%s', { timeout: 120_000 }, async (name, migrate, during) => {
    await kernel.withCgroup(async (cgroup) => {
      fixture.manifest(`
version: 1
environments: { dev: {} }
objects: { account: { source: account.bpf.c, carry: { total: { merge: sum } } } }
maps: { counts: { migrate: ${migrate} } }
programs:
  account: { object: account, attach: [{ id: egress, cgroup: { path: ${cgroup} } }] }
`);
      await fixture.apply(object(1));
      const map = counts();
      const filled = Array.from({ length: keys }, (_, key) => [key, { packets: 1 }] as const);
      for (const [key, value] of filled) map.update(key, value);
      map.close();
      const objects = object(2);

      let took = 0;
      let migration: Migration | undefined;
      const { sent, rate } = await sendAround(cgroup, during, async () => {
        const start = performance.now();
        const result = await fixture.apply(objects);
        took = Math.round(performance.now() - start);
        migration = result.migrations[0];
        const { window } = result.plan.maps.find((each) => each.name === 'counts')!;
        expect(window === null).toBe(name === 'merge: sum');
      });
      const lost = sent + keys - sum();
      console.log(`${name}: ${sent} sent at ${rate}/s, apply took ${took} ms, lost ${lost}`, migration);
      expect(sent).toBeGreaterThan(10_000);
      expect(migration!.copied).toBe(keys);
      // The data path was at work between the sweeps, or was not.
      if (during) expect(migration!.changed).toBeGreaterThan(100);
      else expect(migration!.changed).toBe(0);
      // What could not be brought over was at least one each.
      if (name === 'overwrite') expect(lost).toBeGreaterThanOrEqual(migration!.conflicts);
      else expect(lost).toBe(0);
      const bss = BpfMap.open<number, { total: number }>(path.join(fixture.layout.maps, 'account_bss'));
      expect(bss.lookup(0)).toEqual({ total: sent });
      bss.close();
      await destroy(fixture.load(), () => undefined);
    });
  });
});
