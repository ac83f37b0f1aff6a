import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, Link, tcFilters } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { type KilledApply } from '../../../../tools/testing/killed-apply';
import { destroy, repair, status } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile __u32 verdict = 2;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
static void count(void) {
  __u32 zero = 0;
  __u64 *total = bpf_map_lookup_elem(&hits, &zero);
  if (total) __sync_fetch_and_add(total, 1);
}
SEC("xdp") int guard(void *ctx) { count(); return verdict; }
SEC("tc") int filter(void *ctx) { count(); return 2; }
SEC("raw_tp/sched_process_exec") int monitor(void *ctx) { return 0; }
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('an apply that is killed', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const outside = (): string => path.join(kernel.bpffs, 'outside', 'hits');
  beforeEach(() => fixture.reset());

  const write = (veth: string): NamedObject[] => {
    fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
maps: { hits: { pin: { path: ${outside()} } } }
programs:
  guard: { object: edge, attach: [{ id: uplink, xdp: { interface: ${veth} } }] }
  monitor: { object: edge, attach: [{ id: exec, raw_tracepoint: {} }] }
`);
    return [{ name: 'edge', file: kernel.compile(source, { name: 'edge' }) }];
  };

  /** A child that waits for the number of the step before which it is killed. */
  const start = async (objects: readonly NamedObject[], set: readonly string[]): Promise<ChildProcess> => {
    const { workspace, cacheFolder } = fixture;
    const request: KilledApply = { workspace, objects, set, cacheFolder, bpffs: kernel.bpffs };
    const root = path.resolve(__dirname, '../../../..');
    const child = spawn(
      process.execPath,
      ['-r', './tools/run-source.js', 'tools/testing/killed-apply.ts', JSON.stringify(request)],
      { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await once(child.stdout!, 'data');
    return child;
  };

  /** Runs `check` after a kill at every second step, until an apply comes through; children are started ahead. */
  const atSteps = async (
    objects: readonly NamedObject[],
    set: readonly string[],
    first: number,
    check: (step: number) => Promise<void>,
  ): Promise<number> => {
    let next = start(objects, set);
    for (let step = first; ; step += 2) {
      const child = await next;
      next = start(objects, set);
      child.stdin!.end(`${step}\n`);
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      await check(step);
      if (signal !== null) continue;
      (await next).kill('SIGKILL');
      await once(await next, 'exit');
      return step;
    }
  };

  test(
    'the first one: destroy takes away all that it left, or the next apply makes it whole',
    { timeout: 300_000 },
    () =>
      kernel.withVeth(async (veth) => {
        const objects = write(veth.interface);
        const steps = await atSteps(objects, [], 1, async (step) => {
          if (step % 4 === 1) {
            await fixture.apply(objects);
            expect(status(fixture.load()), `after a kill at step ${step}`).toMatchObject({
              state: 'healthy',
              drift: [],
            });
            expect(fs.existsSync(outside())).toBe(true);
          }
          await destroy(fixture.load(), () => undefined);
          expect(fixture.pins(), `after a kill at step ${step}`).toEqual([]);
          expect(fs.existsSync(outside()), `after a kill at step ${step}`).toBe(false);
        });
        expect(steps).toBeGreaterThan(20);
        fs.rmdirSync(path.dirname(outside()));
      }),
  );

  test('one that migrates a map: its entries are there after the next', { timeout: 300_000 }, () =>
    kernel.withVeth(async (veth) => {
      const file = (wide: boolean): NamedObject[] => {
        const counter = wide
          ? 'struct count { __u64 packets; __u64 more; }'
          : 'struct count { __u32 packets; }';
        const grown = source
          .replace('__type(value, __u64)', '__type(value, struct count)')
          .replace(
            '__u64 *total = bpf_map_lookup_elem(&hits, &zero);\n  if (total) __sync_fetch_and_add(total, 1);',
            'struct count *total = bpf_map_lookup_elem(&hits, &zero);\n  if (total) __sync_fetch_and_add(&total->packets, 1);',
          );
        const text = grown.replace('const volatile', `${counter};\nconst volatile`);
        return [{ name: 'edge', file: kernel.compile(text, { name: wide ? 'wide' : 'narrow' }) }];
      };
      const [narrow, wide] = [file(false), file(true)];
      fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
maps: { hits: { migrate: { copy: { allowDropped: true, fields: { packets: { merge: sum } } } } } }
programs:
  guard: { object: edge, attach: [{ id: uplink, xdp: { interface: ${veth.interface} } }] }
`);
      const packets = (): number => {
        const map = BpfMap.open<number, { packets: number }>(path.join(fixture.layout.maps, 'hits'));
        try {
          return map.lookup(0)!.packets;
        } finally {
          map.close();
        }
      };
      await fixture.apply(narrow);
      let sent = 0;
      const steps = await atSteps(wide, [], 1, async (step) => {
        await fixture.apply(wide);
        expect(packets(), `after a kill at step ${step}`).toBe(sent);
        veth.sendFromFar(2);
        sent += 2;
        await destroy(fixture.load(), () => undefined);
        await fixture.apply(narrow);
        veth.sendFromFar(3);
        sent = 3;
        expect(packets()).toBe(sent);
      });
      expect(steps).toBeGreaterThan(10);
      await destroy(fixture.load(), () => undefined);
      expect(fixture.pins()).toEqual([]);
    }),
  );

  test(
    'an upgrade: the interface is guarded all the time, and the next apply makes it whole',
    { timeout: 300_000 },
    () =>
      kernel.withVeth(async (veth) => {
        const objects = write(veth.interface);
        await fixture.apply(objects);
        const whole = fixture.pins().filter((name) => !name.startsWith('gen/'));
        let verdict = 2;
        const upgrade = ['objects.edge.constants.verdict=1'];
        await atSteps(objects, upgrade, 2, async (step) => {
          const hits = BpfMap.open(outside());
          const before = hits.lookup(0) as number;
          veth.sendFromFar(2);
          expect((hits.lookup(0) as number) - before, `after a kill at step ${step}`).toBe(2);
          hits.close();

          // To the new generation and back, so that the next child has something to do.
          for (verdict of [1, 2]) {
            const set = `objects.edge.constants.verdict=${verdict}`;
            await fixture.apply(objects, set);
            expect(status(fixture.load(set)), `after a kill at step ${step}`).toMatchObject({
              state: 'healthy',
              drift: [],
            });
          }
          expect(fixture.pins().filter((name) => !name.startsWith('gen/'))).toEqual(whole);
          const link = Link.open(path.join(fixture.layout.links, 'uplink'));
          expect(link.info().programId).toBe(
            status(fixture.load()).deployment!.programs.find(({ name }) => name === 'guard')!.id,
          );
          link.close();
        });
        await destroy(fixture.load(), () => undefined);
        expect(fixture.pins()).toEqual([]);
        fs.rmdirSync(path.dirname(outside()));
      }),
  );

  test(
    'an upgrade of a filter, which no link holds: it filters all the time, and the next apply makes it whole',
    { timeout: 300_000 },
    () =>
      kernel.withVeth(async (veth) => {
        fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
programs:
  filter: { object: edge, attach: [{ id: in, tc: { interface: ${veth.interface}, direction: ingress } }] }
`);
        const objects = [{ name: 'edge', file: kernel.compile(source, { name: 'edge' }) }];
        const filters = () => tcFilters(veth, 'ingress').map(({ programId }) => programId);
        await fixture.apply(objects);
        const upgrade = ['objects.edge.constants.verdict=1'];
        const steps = await atSteps(objects, upgrade, 1, async (step) => {
          const hits = BpfMap.open(path.join(fixture.layout.maps, 'hits'));
          const before = hits.lookup(0) as number;
          veth.sendFromFar(2);
          expect((hits.lookup(0) as number) - before, `after a kill at step ${step}`).toBe(2);
          hits.close();
          // The other way round every time: a repair first, or the upgrade at once, or the end of it all.
          if (step % 3 === 0) await repair(fixture.load(), () => undefined);
          if (step % 3 === 1) await fixture.apply(objects, ...upgrade);
          if (step % 3 === 2) {
            await destroy(fixture.load(), () => undefined);
            expect([filters(), fixture.pins()], `after a kill at step ${step}`).toEqual([[], []]);
          }
          await fixture.apply(objects);
          const { state, drift, deployment } = status(fixture.load());
          expect([state, drift], `after a kill at step ${step}`).toEqual(['healthy', []]);
          expect(filters()).toEqual(deployment!.programs.map(({ id }) => id));
        });
        expect(steps).toBeGreaterThan(10);
        await destroy(fixture.load(), () => undefined);
        expect([filters(), fixture.pins()]).toEqual([[], []]);
      }),
  );
});
