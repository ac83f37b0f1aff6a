import { once } from 'node:events';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { attach, BpfMap, Link, loadFile, type BpfError } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { type KilledApply } from '../../../../tools/testing/killed-apply';
import { pinnedMapId, readLedger } from '../state';
import { destroy, repair, rollback, status } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 verdict = 2;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, ENTRIES); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
SEC("xdp") int guard(void *ctx) {
  __u32 zero = 0;
  __u64 *total = bpf_map_lookup_elem(&hits, &zero), *here = bpf_map_lookup_elem(&seen, &zero);
  if (total) __sync_fetch_and_add(total, 1);
  if (here) __sync_fetch_and_add(here, 1);
  return verdict;
}
SEC("tcx/ingress") int police(void *ctx) { return -1; }
SEC("raw_tp/sched_process_exec") int monitor(void *ctx) { return 0; }
`;

kernelSuite('rollback, status and repair', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());
  const note = (): void => undefined;
  const object = (entries = 1): NamedObject[] => [
    { name: 'edge', file: kernel.compile(source, { name: 'edge', flags: [`-DENTRIES=${entries}`] }) },
  ];
  const manifest = (veth: string, monitor: string): void =>
    fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
maps: { seen: { migrate: recreate } }
programs:
  guard: { object: edge, attach: [{ id: uplink, xdp: { interface: ${veth} } }] }
  police: { object: edge, attach: [{ id: police, tcx: { interface: ${veth} } }] }
  monitor: { object: edge, attach: [${monitor}] }
`);
  const undeploy = async (): Promise<void> => {
    await destroy(fixture.load(), note);
    expect(fixture.pins()).toEqual([]);
  };
  const count = (name: string): unknown => {
    const map = BpfMap.open(path.join(fixture.layout.maps, name));
    try {
      return map.lookup(0);
    } finally {
      map.close();
    }
  };
  const linkIds = (): Record<string, number> =>
    Object.fromEntries(status(fixture.load()).deployment!.links.map(({ id, kernelId }) => [id, kernelId]));
  const failure = (work: Promise<unknown>): Promise<BpfError> =>
    work.then(
      () => Promise.reject(new Error('it worked')),
      (error: BpfError) => error,
    );

  test('programs, links and replaced maps are those of the generation before, with what they held', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface, '{ id: exec, raw_tracepoint: {} }');
      const first = await fixture.apply(object());
      veth.sendFromFar(3);
      expect(count('seen')).toBe(3);
      manifest(veth.interface, '{ id: forks, raw_tracepoint: { name: sched_process_fork } }');
      const second = await fixture.apply(object(2), 'objects.edge.constants.verdict=1');
      expect(second.plan.maps.find(({ name }) => name === 'seen')!.action).toBe('replace');
      expect(count('seen')).toBe(0);
      veth.sendFromFar(2);
      const before = linkIds();

      const back = await rollback(fixture.load(), { note });
      expect(back).toMatchObject({ from: 2, to: 1, plan: { from: 2, to: 3 } });
      expect(back.plan.links).toMatchObject([
        { name: 'exec', action: 'create' },
        { name: 'forks', action: 'remove' },
        { name: 'police', action: 'update', switch: 'atomic' },
        { name: 'uplink', action: 'update', switch: 'atomic' },
      ]);
      const found = status(fixture.load());
      expect(found).toMatchObject({ state: 'healthy', drift: [], rolledBackFrom: 2 });
      expect(found.deployment!.programs.map(({ id }) => id)).toEqual(
        first.deployment.programs.map(({ id }) => id),
      );
      expect(linkIds()).toMatchObject({ uplink: before['uplink'], police: before['police'] });
      expect(fs.readdirSync(fixture.layout.links).sort()).toEqual(['exec', 'police', 'uplink']);
      expect([count('hits'), count('seen')]).toEqual([5, 3]);
      veth.sendFromFar(1);
      expect([count('hits'), count('seen')]).toEqual([6, 4]);

      // The generation before is now the one that was left.
      expect(await rollback(fixture.load(), { note })).toMatchObject({ from: 3, to: 2 });
      expect([count('hits'), count('seen')]).toEqual([6, 2]);
      expect(status(fixture.load())).toMatchObject({ state: 'healthy', drift: [] });
      // An apply goes on from there.
      expect((await fixture.apply(object(2), 'objects.edge.constants.verdict=1')).plan.empty).toBe(true);
      await undeploy();
    }));

  test('a generation that is not there, or not whole: said, and nothing is changed', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface, '{ id: exec, raw_tracepoint: {} }');
      expect(await failure(rollback(fixture.load(), { note }))).toMatchObject({
        code: 'GENERATION_UNAVAILABLE',
        message: 'nothing is deployed for p/dev',
      });
      await fixture.apply(object());
      expect((await failure(rollback(fixture.load(), { note }))).message).toContain(
        'there is no generation before 1 to go back to',
      );
      for (const verdict of [1, 2, 1])
        await fixture.apply(object(), `objects.edge.constants.verdict=${verdict}`);
      const tree = fixture.pins();
      expect((await failure(rollback(fixture.load(), { to: 1, note }))).message).toContain(
        'there is no generation 1 to go back to: found 3',
      );
      fs.rmSync(path.join(fixture.layout.generations, '3', 'programs', 'guard'));
      const error = await failure(rollback(fixture.load(), { note }));
      expect(error.fields.problems).toEqual([expect.stringMatching(/^program guard \(id \d+\) is gone$/)]);
      expect(fixture.pins()).toEqual(tree.filter((name) => name !== 'gen/3/programs/guard'));
      expect(status(fixture.load()).state).toBe('healthy');
      await undeploy();
    }));

  test('one that fails on the way is undone', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface, '{ id: zlast, replace: gap, raw_tracepoint: {} }');
      const text = fs.readFileSync(path.join(fixture.workspace, 'p', 'bpf.config.yaml'), 'utf8');
      const more = '{ id: znet, tcx: { interface: nxb-gone } }, ';
      fixture.manifest(text.replace('{ id: police', `${more}{ id: police`));
      ip('link', 'add', 'nxb-gone', 'type', 'veth', 'peer', 'name', 'nxb-gone-peer');
      await fixture.apply(object());
      fixture.manifest(text);
      const set = 'objects.edge.constants.verdict=1';
      const { deployment } = await fixture.apply(object(), set);
      ip('link', 'del', 'nxb-gone');
      const error = await failure(rollback(fixture.load(), { note }));
      expect(error).toMatchObject({
        code: 'ROLLED_BACK',
        exitStatus: 13,
        cause: { code: 'INTERFACE_NOT_FOUND' },
      });
      const now = status(fixture.load());
      expect(now).toMatchObject({ state: 'drifted', deployment: { generation: 2 } });
      expect(now.drift).toEqual([
        expect.stringMatching(/^link zlast: another link \(id \d+\) is pinned in its place$/),
      ]);
      expect(now.deployment!.programs).toEqual(deployment.programs);
      await repair(fixture.load(), note);
      expect(status(fixture.load())).toMatchObject({ state: 'healthy', drift: [] });
      await undeploy();
    }));

  test(
    'killed at any step: the interface stays guarded, and status --repair makes it whole',
    { timeout: 300_000 },
    () =>
      kernel.withVeth(async (veth) => {
        manifest(veth.interface, '{ id: exec, raw_tracepoint: {} }');
        await fixture.apply(object());
        await fixture.apply(object(2), 'objects.edge.constants.verdict=1');
        const start = async (): Promise<ChildProcess> => {
          const { workspace, cacheFolder } = fixture;
          const request: KilledApply = {
            workspace,
            objects: [],
            set: [],
            cacheFolder,
            bpffs: kernel.bpffs,
            rollback: true,
          };
          const child = spawn(
            process.execPath,
            ['-r', './tools/run-source.js', 'tools/testing/killed-apply.ts', JSON.stringify(request)],
            { cwd: path.resolve(__dirname, '../../../..'), stdio: ['pipe', 'pipe', 'inherit'] },
          );
          await once(child.stdout!, 'data');
          return child;
        };
        let next = start();
        for (let step = 1; ; step += 3) {
          const child = await next;
          next = start();
          child.stdin!.end(`${step}\n`);
          const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
          const before = count('hits') as number;
          veth.sendFromFar(2);
          expect((count('hits') as number) - before, `after a kill at step ${step}`).toBe(2);
          await repair(fixture.load(), note);
          const found = status(fixture.load());
          expect(found, `after a kill at step ${step}`).toMatchObject({ state: 'healthy', drift: [] });
          const uplink = Link.open(path.join(fixture.layout.links, 'uplink'));
          expect(uplink.info().programId).toBe(
            found.deployment!.programs.find(({ name }) => name === 'guard')!.id,
          );
          uplink.close();
          if (signal !== null) {
            // Two generations that differ, so that the next child has something to do.
            await fixture.apply(object());
            await fixture.apply(object(2), 'objects.edge.constants.verdict=1');
            continue;
          }
          (await next).kill('SIGKILL');
          await once(await next, 'exit');
          expect(step).toBeGreaterThan(20);
          break;
        }
        await undeploy();
      }),
  );

  test(
    'an upgrade that is killed: what it had taken the place of is back, with what it held',
    { timeout: 300_000 },
    () =>
      kernel.withVeth(async (veth) => {
        manifest(veth.interface, '{ id: exec, raw_tracepoint: {} }');
        await fixture.apply(object());
        veth.sendFromFar(7);
        const objects = object(2);
        const set = ['objects.edge.constants.verdict=1'];
        const { workspace, cacheFolder } = fixture;
        const start = async (): Promise<ChildProcess> => {
          const request: KilledApply = { workspace, objects, set, cacheFolder, bpffs: kernel.bpffs };
          const child = spawn(
            process.execPath,
            ['-r', './tools/run-source.js', 'tools/testing/killed-apply.ts', JSON.stringify(request)],
            { cwd: path.resolve(__dirname, '../../../..'), stdio: ['pipe', 'pipe', 'inherit'] },
          );
          await once(child.stdout!, 'data');
          return child;
        };
        let exchanged = 0;
        let next = start();
        for (let step = 2; ; step += 2) {
          const child = await next;
          next = start();
          child.stdin!.end(`${step}\n`);
          const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
          const ledger = readLedger(fixture.layout.ledger)!;
          const seen = ledger.maps.find(({ name }) => name === 'seen')!;
          if (pinnedMapId(seen.pin!) !== seen.id) exchanged++;
          await repair(fixture.load(), note);
          expect(status(fixture.load()), `after a kill at step ${step}`).toMatchObject({
            state: 'healthy',
            drift: [],
          });
          const committed = seen.maxEntries === 2;
          expect(count('seen'), `after a kill at step ${step}`).toBe(committed ? 0 : 7);
          if (committed) {
            await rollback(fixture.load(), { to: ledger.generation - 1, note });
            expect(count('seen'), `rolled back after a kill at step ${step}`).toBe(7);
          }
          if (signal !== null) continue;
          (await next).kill('SIGKILL');
          await once(await next, 'exit');
          break;
        }
        expect(exchanged).toBeGreaterThan(1);
        await undeploy();
      }),
  );

  test('status tells each damage; repair and apply both make it whole', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface, '{ id: exec, raw_tracepoint: {} }');
      const foreign = kernel.compile(source, { name: 'foreign', flags: ['-DENTRIES=1'] });
      const theirs = loadFile(foreign);
      const place = (...parts: string[]): string => path.join(fixture.layout.base, ...parts);
      const gen = (): string => String(status(fixture.load()).deployment!.generation);
      const damages: readonly (readonly [string, () => void, RegExp])[] = [
        [
          'a program pin',
          () => fs.rmSync(place('gen', gen(), 'programs', 'guard')),
          /^program guard: its pin is gone$/,
        ],
        [
          'a link pin',
          () => fs.rmSync(place('links', 'exec')),
          /^link exec: its pin is gone, so it is detached/,
        ],
        ['a map pin', () => fs.rmSync(place('maps', 'hits')), /^map hits: its pin is gone$/],
        [
          'a link that was detached',
          () => {
            const link = Link.open(place('links', 'uplink'));
            link.detach();
            link.close();
          },
          /^link uplink: what it was attached to is gone/,
        ],
        [
          'a link that runs another program',
          () => {
            const link = Link.open(place('links', 'uplink'));
            link.update(theirs.program('guard'));
            link.close();
          },
          /^link uplink: it runs program id \d+, not ours/,
        ],
        [
          'another map at a pin',
          () => {
            fs.rmSync(place('maps', 'seen'));
            theirs.map('seen').pin(place('maps', 'seen'));
          },
          /^map seen: another map \(id \d+\) is pinned in its place$/,
        ],
        ['the ledger', () => fs.rmSync(place('ledger')), /^deployment ledger: its pin is gone$/],
        ['current', () => fs.rmSync(place('current')), /^deployment current: it points to nothing$/],
      ];
      await fixture.apply(object());
      for (const [what, damage, text] of damages) {
        for (const mend of [() => repair(fixture.load(), note), () => fixture.apply(object())]) {
          damage();
          const drifted = status(fixture.load());
          expect(drifted.state, what).toBe('drifted');
          expect(drifted.drift, what).toEqual(expect.arrayContaining([expect.stringMatching(text)]));
          await mend();
          expect(status(fixture.load()), what).toMatchObject({ state: 'healthy', drift: [], unseen: [] });
          const before = count('hits') as number;
          veth.sendFromFar(1);
          expect(count('hits'), what).toBe(before + 1);
        }
      }

      // What maps hold is theirs who use them, and no drift.
      const hits = BpfMap.open(place('maps', 'hits'));
      hits.update(0, 1000n);
      hits.close();
      expect(status(fixture.load()).state).toBe('healthy');
      expect((await fixture.apply(object())).plan.empty).toBe(true);
      expect(count('hits')).toBe(1000);

      const front = attach(theirs.program('police'), 'tcx', { interface: veth.interface, order: 'first' });
      expect(status(fixture.load()).drift).toEqual([
        expect.stringMatching(
          /^hook police: program id \d+ of somebody else runs before it at tcx ingress on/,
        ),
      ]);
      expect((await repair(fixture.load(), note)).plan).toBeUndefined();
      const others = loadFile(foreign);
      const last = attach(others.program('police'), 'tcx', { interface: veth.interface, order: 'last' });
      expect(status(fixture.load())).toMatchObject({
        drift: [expect.stringContaining('runs before it')],
        foreign: [
          expect.stringMatching(
            /^hook police: program id \d+ of somebody else runs after it at tcx ingress on/,
          ),
        ],
      });
      last.close();
      others.close();
      const { plan } = await fixture.apply(object());
      expect(plan).toMatchObject({ empty: true, foreign: [{ programName: 'police', runs: 'before' }] });
      front.close();
      theirs.close();
      expect(status(fixture.load()).state).toBe('healthy');

      for (const part of ['gen', 'maps', 'links']) fs.rmSync(place(part), { recursive: true });
      await expect.poll(() => status(fixture.load()).state).toBe('gone');
      await expect(repair(fixture.load(), note)).rejects.toMatchObject({ code: 'GENERATION_UNAVAILABLE' });
      await fixture.apply(object());
      expect(status(fixture.load()).state).toBe('healthy');
      await undeploy();
    }));

  test('status counts runs while the kernel does', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface, '{ id: exec, raw_tracepoint: {} }');
      await fixture.apply(object());
      const { enableRunTimeStats, closeFd } = await import('@nx-bpf/loader');
      const counting = enableRunTimeStats();
      veth.sendFromFar(4);
      closeFd(counting);
      const guard = status(fixture.load()).runs.find(({ name }) => name === 'guard')!;
      expect(guard.runs).toBe(4);
      expect(guard.nanoseconds).toBeGreaterThan(0);
      await undeploy();
    }));
});

function ip(...args: string[]): void {
  const { status: code, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (code !== 0) throw new Error(stderr);
}
