import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { allIds, attach, BpfMap, Link, loadFile, Program, type BpfError } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { RelocationCache } from '../cache';
import { readPlan } from '../plan';
import { apply, destroy, planProject } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 verdict = 2;
struct entry { __u64 count; EXTRA };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct entry); } hits SEC(".maps");
static void count(void) {
  __u32 zero = 0;
  struct entry *entry = bpf_map_lookup_elem(&hits, &zero);
  if (entry) __sync_fetch_and_add(&entry->count, 1);
}
SEC("xdp") int guard(void *ctx) { count(); return verdict; }
SEC("tcx/ingress") int police(void *ctx) { return -1; }
SEC("raw_tp/sched_process_exec") int monitor(void *ctx) { return 0; }
`;

kernelSuite('plan', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());
  const object = (extra = ''): NamedObject[] => [
    { name: 'edge', file: kernel.compile(source, { name: 'edge', flags: [`-DEXTRA=${extra}`] }) },
  ];
  const manifest = (veth: string, monitor = '{ id: exec, raw_tracepoint: {} }'): void =>
    fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
programs:
  guard: { object: edge, attach: [{ id: uplink, xdp: { interface: ${veth} } }] }
  police: { object: edge, attach: [{ id: police, tcx: { interface: ${veth} } }] }
  monitor: { object: edge, attach: [${monitor}] }
`);
  const plan = (objects: readonly NamedObject[], options: { verify?: boolean } = {}, ...set: string[]) =>
    planProject({
      config: fixture.load(...set),
      objects,
      cache: new RelocationCache(fixture.cacheFolder),
      note: () => undefined,
      ...options,
    });
  const applyPlan = (saved: Awaited<ReturnType<typeof plan>>, ...set: string[]) =>
    apply({
      config: fixture.load(...set),
      objects: object(),
      cache: new RelocationCache(fixture.cacheFolder),
      note: () => undefined,
      saved: readPlan(JSON.stringify(saved), 'test.plan'),
    });
  const undeploy = () => destroy(fixture.load(), () => undefined);
  /** Every pin with its inode and the time of its last change. */
  const stamps = (): string[] =>
    fixture.pins().map((name) => {
      const place = path.join(fixture.root, name.startsWith('p') ? name : `p/dev/${name}`);
      const { ino, ctimeNs } = fs.lstatSync(place, { bigint: true });
      return `${name} ${ino} ${ctimeNs}`;
    });
  const loaded = (): number[][] => [allIds('program'), allIds('map'), allIds('link')];

  test('before anything is there, of a change, and of nothing; with --verify what the verifier makes of it', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface);
      const first = await plan(object());
      expect(first.plan).toMatchObject({ from: 0, to: 1, empty: false, sideBySide: false });
      expect(first.plan.capabilities).toEqual(['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON']);
      expect(fixture.pins()).toEqual([]);

      await fixture.apply(object());
      const before = [stamps(), loaded()];
      const same = await plan(object());
      expect(same.plan).toMatchObject({ empty: true, capabilities: [], drift: [], foreign: [] });
      const changed = await plan(object(), {}, 'objects.edge.constants.verdict=1');
      expect(changed.plan).toMatchObject({ from: 1, to: 2, sideBySide: true });
      expect(changed.plan.links).toMatchObject([
        { name: 'exec', action: 'replace', switch: 'overlap' },
        { name: 'police', action: 'update', switch: 'atomic' },
        { name: 'uplink', action: 'update', switch: 'atomic' },
      ]);
      const guard = changed.plan.programs.find(({ name }) => name === 'guard')!;
      expect(guard).toMatchObject({ action: 'replace', reasons: ['constants'] });
      expect(guard.verified.before).toBeGreaterThan(2);
      expect(guard.verified.after).toBeNull();

      const verified = await plan(object(), { verify: true }, 'objects.edge.constants.verdict=1');
      expect(verified.plan.programs.find(({ name }) => name === 'guard')!.verified.after).toBe(
        guard.verified.before,
      );
      await expect.poll(loaded).toEqual(before[1]);
      expect(stamps()).toEqual(before[0]);

      const grown = await plan(object('__u32 flags;'));
      expect(grown.plan.maps.find(({ name }) => name === 'hits')).toMatchObject({
        action: 'refuse',
        differences: [
          { what: 'value_size', before: '8', after: '16' },
          { what: 'value', field: 'flags', before: null, after: '__u32' },
        ],
      });
      await undeploy();
    }));

  test('a saved plan is carried out; once anything changed it is refused, with what that is', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface);
      expect((await applyPlan(await plan(object()))).deployment.generation).toBe(1);
      const set = 'objects.edge.constants.verdict=1';
      const saved = await plan(object(), {}, set);
      const refusal = (...with_: string[]): Promise<BpfError> =>
        applyPlan(saved, ...with_).then(
          () => Promise.reject(new Error('applied')),
          (error: BpfError) => error,
        );

      const inputs = await refusal('objects.edge.constants.verdict=0');
      expect(inputs).toMatchObject({ code: 'PLAN_STALE', exitStatus: 12 });
      expect(inputs.message).toMatch(/object edge: was .*, is /);

      const foreign = kernel.compile(source, { name: 'foreign', flags: ['-DEXTRA='] });
      const theirs = loadFile(foreign);
      const link = attach(theirs.program('police'), 'tcx', { interface: veth.interface, order: 'first' });
      const front = await refusal(set);
      expect(front.fields.problems).toEqual([
        expect.stringMatching(/^programs at the hook of link police: was \d+, is \d+ \d+$/),
      ]);
      expect((await plan(object(), {}, set)).plan.foreign).toMatchObject([
        { link: 'police', programId: theirs.program('police').id, programName: 'police', runs: 'before' },
      ]);
      link.close();
      theirs.close();

      fs.rmSync(path.join(fixture.layout.links, 'exec'));
      expect((await refusal(set)).fields.problems).toEqual([
        expect.stringMatching(/^link exec: was id \d+, program \d+, is gone$/),
      ]);
      const again = await plan(object(), {}, set);
      expect(again.plan.drift).toMatchObject([{ kind: 'link', name: 'exec' }]);
      expect((await applyPlan(again, set)).deployment.generation).toBe(2);
      await expect(applyPlan(again, set)).rejects.toMatchObject({
        fields: { problems: expect.arrayContaining(['generation: was 1, is 2']) as string[] },
      });
      await undeploy();
    }));

  test('a file that is no plan, or was edited', async () => {
    fixture.manifest('version: 1\nobjects: { edge: {} }\nprograms: { guard: { object: edge } }\n');
    const saved = await plan(object());
    for (const text of ['{', '{}', 'null', JSON.stringify({ ...saved, basis: {} })]) {
      expect(() => readPlan(text, 'x.plan')).toThrow(expect.objectContaining({ code: 'PLAN_INVALID' }));
    }
  });

  test('nothing to do: the pins are not touched, and bpf(2) is only asked', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface);
      const objects = object();
      await fixture.apply(objects);
      const before = [stamps(), loaded()];
      expect((await fixture.apply(objects)).plan.empty).toBe(true);
      expect([stamps(), loaded()]).toEqual(before);

      const log = path.join(kernel.directory, 'strace');
      const root = path.resolve(__dirname, '../../../..');
      const request = { workspace: fixture.workspace, objects, set: [], cacheFolder: fixture.cacheFolder };
      const { status, stderr } = spawnSync(
        'strace',
        [
          ...['-f', '-qq', '-o', log, '-e', 'trace=bpf,perf_event_open,%file,fchmod'],
          ...[process.execPath, '-r', './tools/run-source.js', 'tools/testing/killed-apply.ts'],
          JSON.stringify({ ...request, bpffs: kernel.bpffs }),
        ],
        { cwd: root, input: '0\n', encoding: 'utf8' },
      );
      expect(stderr).toBe('');
      expect(status).toBe(0);
      const calls = fs.readFileSync(log, 'utf8').split('\n');
      const commands = new Set(calls.flatMap((line) => /\bbpf\((BPF_\w+)/.exec(line)?.[1] ?? []));
      expect(commands).toContain('BPF_OBJ_GET');
      const asking = ['BPF_OBJ_GET', 'BPF_OBJ_GET_INFO_BY_FD', 'BPF_MAP_LOOKUP_ELEM', 'BPF_PROG_QUERY'];
      const byId = ['BPF_PROG_GET_FD_BY_ID', 'BPF_MAP_GET_FD_BY_ID', 'BPF_LINK_GET_FD_BY_ID'];
      expect([...commands].filter((name) => ![...asking, ...byId].includes(name))).toEqual([]);
      const changing = /\b(mkdir|rmdir|unlink|rename|symlink|chmod|perf_event_open)\w*\(/;
      expect(calls.filter((line) => line.includes(kernel.bpffs) && changing.test(line))).toEqual([]);
      await undeploy();
    }));

  test('an attachment under another name stays the same link', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface);
      const before = (await fixture.apply(object())).deployment.links;
      fixture.manifest(
        fs
          .readFileSync(path.join(fixture.workspace, 'p', 'bpf.config.yaml'), 'utf8')
          .replace('id: uplink', 'id: outside')
          .replace('id: exec', 'id: execs'),
      );
      const { plan: renamed, deployment } = await fixture.apply(object());
      expect(renamed.links).toMatchObject([
        { name: 'execs', action: 'update', reasons: ['renamed'], renamedFrom: 'exec' },
        { name: 'outside', action: 'update', reasons: ['renamed'], renamedFrom: 'uplink' },
        { name: 'police', action: 'keep' },
      ]);
      const ids = (links: typeof before) => links.map(({ kernelId }) => kernelId).sort();
      expect(ids(deployment.links)).toEqual(ids(before));
      expect(fs.readdirSync(fixture.layout.links).sort()).toEqual(['execs', 'outside', 'police']);
      veth.sendFromFar(2);
      const hits = BpfMap.open(path.join(fixture.layout.maps, 'hits'));
      expect(hits.lookup(0)).toEqual({ count: 2 });
      hits.close();
      expect((await fixture.apply(object())).plan.empty).toBe(true);
      await undeploy();
    }));

  test('a hook without update, with a gap: the old link is gone before the new one is there', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface, '{ id: exec, replace: gap, raw_tracepoint: {} }');
      const before = (await fixture.apply(object())).deployment;
      const set = 'objects.edge.constants.verdict=1';
      const { plan: done, deployment } = await fixture.apply(object(), set);
      expect(done.links[0]).toMatchObject({ name: 'exec', action: 'replace', switch: 'gap' });
      expect(allIds('link')).not.toContain(before.links[0]!.kernelId);
      expect(deployment.links[0]!.kernelId).not.toBe(before.links[0]!.kernelId);
      await undeploy();
    }));

  test('a failure after something was switched: all is back, and the exit status says so', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface, '{ id: a-exec, replace: gap, raw_tracepoint: {} }');
      const { deployment } = await fixture.apply(object());
      fixture.manifest(
        fs
          .readFileSync(path.join(fixture.workspace, 'p', 'bpf.config.yaml'), 'utf8')
          .replace('{ id: uplink', `{ id: z-none, xdp: { interface: nxb-none } }, { id: uplink`)
          .replace('source: edge.bpf.c', 'source: edge.bpf.c, constants: { verdict: 1 }'),
      );
      const error = await fixture.apply(object()).then(
        () => undefined,
        (reason: BpfError) => reason,
      );
      expect(error).toMatchObject({
        code: 'ROLLED_BACK',
        exitStatus: 13,
        cause: { code: 'INTERFACE_NOT_FOUND' },
      });
      const uplink = Link.open(path.join(fixture.layout.links, 'uplink'));
      expect(uplink.info().programId).toBe(deployment.programs.find(({ name }) => name === 'guard')!.id);
      uplink.close();
      const exec = Link.open(path.join(fixture.layout.links, 'a-exec'));
      expect(exec.info().programId).toBe(deployment.programs.find(({ name }) => name === 'monitor')!.id);
      exec.close();
      const guard = Program.open(path.join(fixture.layout.generations, '1', 'programs', 'guard'));
      expect(guard.testRun({ data: new Uint8Array(64) }).returnValue).toBe(2);
      guard.close();
      await undeploy();
    }));
});
