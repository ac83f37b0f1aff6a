import { execSync } from 'node:child_process';
import path from 'node:path';
import { attachTc, BpfMap, loadFile, tcFilters } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite, type Veth } from '../../../../tools/testing/kernel';
import { destroy, repair, rollback, status } from './index';

const source = `
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
const volatile __u32 version = 1;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
static void count(void) {
  __u32 key = version;
  __u64 *total = bpf_map_lookup_elem(&hits, &key);
  if (total) __sync_fetch_and_add(total, 1);
}
SEC("tc") int drop(struct __sk_buff *skb) { count(); return TC_ACT_SHOT; }
SEC("lwt_xmit") int refuse(struct __sk_buff *skb) { count(); return BPF_DROP; }
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('what no link holds, by a manifest', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());
  const objects = () => [{ name: 'edge', file: kernel.compile(source, { name: 'edge' }) }];
  const note = (): void => undefined;
  const version = (number: number) => `objects.edge.constants.version=${number}`;

  const manifest = (attach: string, program = 'drop') =>
    fixture.manifest(`
version: 1
objects: { edge: {} }
programs:
  ${program}: { object: edge, attach: [${attach}] }
`);
  /** Packets that each version of the programs dropped. */
  const hits = (): number[] => {
    const map = BpfMap.open(path.join(fixture.layout.maps, 'hits'));
    const seen = [1, 2, 3].map((key) => Number(map.lookup(key)));
    map.close();
    return seen;
  };
  const qdiscs = ({ interface: name }: Veth) => execSync(`tc qdisc show dev ${name}`, { encoding: 'utf8' });
  const filters = (veth: Veth) => tcFilters(veth, 'ingress');

  test('tc: made, kept, replaced in place, rolled back, destroyed, with its clsact', () =>
    kernel.withVeth(async (veth) => {
      manifest(`{ id: in, tc: { interface: ${veth.interface}, direction: ingress } }`);
      const { deployment } = await fixture.apply(objects());
      expect(deployment.links).toEqual([
        expect.objectContaining({
          hook: 'tc',
          target: `tc ingress on ${veth.interface} at priority 49152, handle 1`,
        }),
      ]);
      veth.sendFromFar(3);
      expect(hits()).toEqual([3, 0, 0]);
      expect((await fixture.apply(objects())).plan.empty).toBe(true);
      expect(status(fixture.load())).toMatchObject({ state: 'healthy', drift: [] });

      const { plan } = await fixture.apply(objects(), version(2));
      expect(plan.links).toEqual([
        expect.objectContaining({ action: 'update', reasons: ['program'], switch: 'atomic' }),
      ]);
      expect(filters(veth)).toHaveLength(1);
      veth.sendFromFar(2);
      expect(hits()).toEqual([3, 2, 0]);
      expect(status(fixture.load(version(2)))).toMatchObject({ state: 'healthy', drift: [] });

      await rollback(fixture.load(), { note });
      veth.sendFromFar(1);
      expect(hits()).toEqual([4, 2, 0]);
      expect(filters(veth)).toHaveLength(1);

      await destroy(fixture.load(), note);
      expect([filters(veth), fixture.pins()]).toEqual([[], []]);
      expect(qdiscs(veth)).not.toContain('clsact');
    }));

  test('tc: a failure after the switch brings the old program back; another priority comes before the old one goes', () =>
    kernel.withVeth(async (veth) => {
      const entry = (priority: number) =>
        `{ id: a, tc: { interface: ${veth.interface}, direction: ingress, priority: ${priority}, handle: 1 } }`;
      manifest(entry(10));
      await fixture.apply(objects());
      const [before] = filters(veth);
      manifest(`${entry(10)}, { id: b, tc: { interface: nowhere, direction: ingress } }`);
      await expect(fixture.apply(objects(), version(2))).rejects.toMatchObject({ code: 'ROLLED_BACK' });
      expect(filters(veth)).toEqual([before]);
      veth.sendFromFar(2);
      expect(hits()).toEqual([2, 0, 0]);

      manifest(entry(20));
      const { plan } = await fixture.apply(objects());
      expect(plan.links).toMatchObject([{ action: 'replace', reasons: ['target'], switch: 'overlap' }]);
      expect(filters(veth)).toEqual([{ ...before, priority: 20 }]);
      expect(status(fixture.load()).state).toBe('healthy');
      await destroy(fixture.load(), note);
      expect(qdiscs(veth)).not.toContain('clsact');
    }));

  test('tc: a filter that was deleted is drift, and repaired; that of somebody else is never touched', () =>
    kernel.withVeth(async (veth) => {
      const [file] = objects();
      manifest(
        `{ id: in, tc: { interface: ${veth.interface}, direction: ingress, priority: 10, handle: 1 } }`,
      );
      await fixture.apply([file!]);
      const remove = () => execSync(`tc filter del dev ${veth.interface} ingress pref 10`);
      remove();
      expect(status(fixture.load()).drift).toEqual([
        expect.stringMatching(/^link in: it is gone, in its place is nothing \(tc ingress on /),
      ]);
      await repair(fixture.load(), note);
      expect(status(fixture.load()).state).toBe('healthy');
      veth.sendFromFar(2);
      expect(hits()).toEqual([2, 0, 0]);

      remove();
      using other = loadFile(file!.file);
      const theirs = attachTc(other.program('drop'), {
        ...veth,
        direction: 'ingress',
        priority: 10,
        handle: 1,
      });
      const [foreign] = filters(veth);
      const what = `a filter 'drop' that runs program id ${foreign!.programId}`;
      expect(status(fixture.load()).drift).toEqual([expect.stringContaining(what)]);
      for (const attempt of [repair(fixture.load(), note), fixture.apply([file!], version(2))])
        await expect(attempt).rejects.toMatchObject({
          code: expect.stringMatching(/ATTACH_CONFLICT|ROLLED_BACK/),
          message: expect.stringContaining(what),
        });
      await destroy(fixture.load(), note);
      expect(filters(veth)).toEqual([foreign]);
      theirs.close();
      execSync(`tc qdisc del dev ${veth.interface} clsact`);
    }));

  test('tc: where the filter is gone already, destroy takes the clsact that was made for it', () =>
    kernel.withVeth(async (veth) => {
      manifest(`{ id: in, tc: { interface: ${veth.interface}, direction: ingress } }`);
      await fixture.apply(objects());
      execSync(`tc filter del dev ${veth.interface} ingress`);
      expect(qdiscs(veth)).toContain('clsact');
      await destroy(fixture.load(), note);
      expect(qdiscs(veth)).not.toContain('clsact');
    }));

  test('tc: an interface that is another one by now is attached to anew', () =>
    kernel.withVeth(async (veth) => {
      execSync('ip link add other0 type veth peer name other1');
      manifest(`{ id: in, tc: { interface: other0, direction: egress } }`);
      await fixture.apply(objects());
      execSync('ip link del other0');
      expect(status(fixture.load()).drift).toEqual([
        expect.stringContaining('link in: what it was attached to is gone'),
      ]);
      execSync('ip link add other0 type veth peer name other1');
      await fixture.apply(objects());
      expect(status(fixture.load()).state).toBe('healthy');
      expect(tcFilters({ interface: 'other0' }, 'egress')).toHaveLength(1);
      // Renamed it is still there, and goes once another one has its name.
      execSync('ip link set other0 name renamed0 && ip link add other0 type veth peer name other2');
      await fixture.apply(objects());
      expect(tcFilters({ interface: 'renamed0' }, 'egress')).toEqual([]);
      expect(tcFilters({ interface: 'other0' }, 'egress')).toHaveLength(1);
      await destroy(fixture.load(), note);
      execSync('ip link del other0 && ip link del renamed0');
      expect(veth.interface).toBe('nxb-near');
    }));

  test('lwt: a route is made, updated though the programs have one name, rolled back and destroyed', () =>
    kernel.withVeth(async (veth) => {
      const send = (count: number) =>
        execSync(
          `bash -c 'for ((i = 0; i < ${count}; i++)); do echo x > /dev/udp/10.50.0.1/9; done 2>/dev/null; true'`,
        );
      manifest(
        `{ id: out, lwt: { interface: ${veth.interface}, destination: 10.50.0.0/16, via: ${veth.farAddress} } }`,
        'refuse',
      );
      await fixture.apply(objects());
      send(3);
      expect(hits()).toEqual([3, 0, 0]);
      expect((await fixture.apply(objects())).plan.empty).toBe(true);
      const { plan } = await fixture.apply(objects(), version(2));
      expect(plan.links).toMatchObject([{ action: 'update', switch: 'atomic' }]);
      send(2);
      expect(hits()).toEqual([3, 2, 0]);
      await rollback(fixture.load(), { note });
      send(1);
      expect(hits()).toEqual([4, 2, 0]);
      expect(status(fixture.load()).state).toBe('healthy');

      execSync('ip route del 10.50.0.0/16');
      expect(status(fixture.load()).state).toBe('drifted');
      await repair(fixture.load(), note);
      send(1);
      expect(hits()).toEqual([5, 2, 0]);
      // Another route to the network, of somebody else.
      execSync(`ip route replace 10.50.0.0/16 dev ${veth.interface}`);
      await expect(repair(fixture.load(), note)).rejects.toMatchObject({
        message: expect.stringContaining('a route without a program'),
      });
      await destroy(fixture.load(), note);
      expect(execSync('ip route show 10.50.0.0/16', { encoding: 'utf8' })).toMatch(
        /^10.50.0.0\/16 dev nxb-near/,
      );
      expect(fixture.pins()).toEqual([]);
    }));
});
