import fs from 'node:fs';
import path from 'node:path';
import { allIds, BpfError, BpfMap, Link, withObject, programInfo } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { acquireLock, readLedger } from '../state';
import { destroy, status, type ApplyResult } from './index';

const guard = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "shared.h"
const volatile __u32 verdict = 2;
__u64 seen;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, ENTRIES); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
SEC("xdp") int guard(struct xdp_md *ctx) {
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&hits, &zero);
  if (count) __sync_fetch_and_add(count, 1);
  seen++;
  total();
  return verdict;
}
char LICENSE[] SEC("license") = "GPL";
`;
const monitor = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "shared.h"
SEC("raw_tp/sched_process_exec") int monitor(void *ctx) { total(); return 0; }
char LICENSE[] SEC("license") = "GPL";
`;
const shared = `
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } totals SEC(".maps");
static void total(void) {
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&totals, &zero);
  if (count) __sync_fetch_and_add(count, 1);
}
`;
const refused = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
SEC("xdp") int endless(struct xdp_md *ctx) { return *(volatile int *)0; }
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('apply', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const { notes } = fixture;
  const manifest = (text: string): void => fixture.manifest(text);
  const objectFile = (
    name: string,
    source: string,
    flags: readonly string[] = [],
  ): { name: string; file: string } => ({
    name,
    file: kernel.compile(source, { name, flags: ['-DENTRIES=4', '-I', kernel.directory, ...flags] }),
  });
  const load = (...set: string[]) => fixture.load(...set);
  const run = (objects: { name: string; file: string }[], ...set: string[]): Promise<ApplyResult> =>
    fixture.apply(objects, ...set);
  const pins = (): string[] => fixture.pins();
  /** Names of the programs of these tests that the kernel holds; what was closed is freed a moment later. */
  const held = (): string[] =>
    allIds('program')
      .map((id) => withObject('program', id, (fd) => programInfo(fd).name) ?? '')
      .filter((name) => ['guard', 'monitor', 'endless'].includes(name))
      .sort();
  const layout = () => fixture.layout;
  const both = () => [objectFile('edge', guard), objectFile('exec', monitor)];
  const twoPrograms = (attach: string): string => `
version: 1
objects: { edge: { source: edge.bpf.c }, exec: { source: exec.bpf.c } }
programs:
  guard: { object: edge, attach: [${attach}] }
  monitor: { object: exec, attach: [{ id: exec, raw_tracepoint: {} }] }
`;

  beforeEach(() => {
    fixture.reset();
    fs.writeFileSync(path.join(kernel.directory, 'shared.h'), shared);
  });

  test('loads, pins and attaches; does nothing the second time; and all of it can be taken out again', async () => {
    await kernel.withVeth(async (veth) => {
      manifest(twoPrograms(`{ id: uplink, xdp: { interface: ${veth.interface} } }`));
      const first = await run(both());
      expect(first.plan).toMatchObject({ from: 0, to: 1, empty: false });
      expect(first.cache).toEqual({ edge: 'miss', exec: 'miss' });
      expect(first.deployment.links.map((link) => link.target)).toEqual([
        'raw_tracepoint sched_process_exec',
        `xdp on ${veth.interface} (native)`,
      ]);
      expect(pins()).toEqual(
        [
          ...['current', 'gen', 'gen/1', 'gen/1/ledger', 'gen/1/programs', 'gen/1/programs/guard'],
          ...['gen/1/programs/monitor', 'ledger', 'links', 'links/exec', 'links/uplink', 'lock', 'maps'],
          ...['maps/edge_bss', 'maps/edge_rodata', 'maps/hits', 'maps/totals', 'p', 'p/dev'],
        ].sort(),
      );
      expect(fs.statSync(fixture.root).mode & 0o777).toBe(0o700);
      expect(fs.statSync(path.join(layout().maps, 'hits')).mode & 0o777).toBe(0o600);
      expect(fs.readlinkSync(layout().current)).toBe('gen/1');

      veth.sendFromFar(3);
      const hits = BpfMap.open(path.join(layout().maps, 'hits'));
      expect(hits.lookup(0)).toBe(3);
      hits.close();

      const linksBefore = allIds('link');
      const second = await run(both());
      expect(second.plan).toMatchObject({ from: 1, to: 1, empty: true });
      expect(second.cache).toEqual({ edge: 'hit', exec: 'hit' });
      expect(second.deployment).toEqual(first.deployment);
      expect(held()).toEqual(['guard', 'monitor']);
      expect(allIds('link')).toEqual(linksBefore);
      expect(status(load())).toMatchObject({ state: 'healthy', drift: [] });

      expect(await destroy(load(), () => undefined)).toMatchObject({ generation: 1 });
      expect(pins()).toEqual([]);
      expect(status(load()).state).toBe('absent');
      expect(await destroy(load(), () => undefined)).toBeUndefined();
    });
  });

  test('a card names owner, object and generation to plain bpftool', async () => {
    manifest(twoPrograms(''));
    const { deployment } = await run(both());
    const program = deployment.programs.find(({ name }) => name === 'monitor')!;
    const maps = withObject('program', program.id, (fd) => programInfo(fd).mapIds)!;
    const card = BpfMap.byId(maps[0]!)!;
    expect(card.name).toBe('nxbpf.rodata');
    const texts = Buffer.from(card.raw.lookup(new Uint8Array(4))!)
      .toString()
      .split('\0');
    expect(texts).toEqual(['p/dev', expect.stringMatching(/^[0-9a-f]{64}$/), '1', '']);
    card.close();
    await destroy(load(), () => undefined);
  });

  test('new constants: the program is replaced under the same link, and shared maps keep their contents', async () => {
    await kernel.withVeth(async (veth) => {
      manifest(twoPrograms(`{ id: uplink, xdp: { interface: ${veth.interface} } }`));
      const before = await run(both());
      veth.sendFromFar(2);
      const after = await run(both(), 'objects.edge.constants.verdict=1');
      expect(after.plan.programs).toMatchObject([
        { name: 'guard', action: 'replace', reasons: ['constants'] },
        { name: 'monitor', action: 'keep', reasons: [] },
      ]);
      expect(after.plan.links.map(({ name, action }) => [name, action])).toEqual([
        ['exec', 'keep'],
        ['uplink', 'update'],
      ]);
      expect(after.deployment.links.map((link) => link.kernelId)).toEqual(
        before.deployment.links.map((link) => link.kernelId),
      );
      const uplink = Link.open(path.join(layout().links, 'uplink'));
      expect(uplink.info().programId).toBe(after.deployment.programs[0]!.id);
      uplink.close();
      veth.sendFromFar(1);
      const hits = BpfMap.open(path.join(layout().maps, 'hits'));
      expect(hits.lookup(0)).toBe(3);
      hits.close();
      expect(fs.readdirSync(layout().generations).sort()).toEqual(['1', '2']);
      await destroy(load(), () => undefined);
    });
  });

  test('a program that the verifier refuses: nothing new is left, and what ran goes on', async () => {
    manifest(twoPrograms(''));
    const running = await run(both());
    const tree = pins();
    manifest(`
version: 1
objects: { edge: { source: edge.bpf.c, constants: { verdict: 1 } }, exec: { source: exec.bpf.c } }
programs:
  guard: { object: edge }
  endless: { object: exec }
`);
    const failing = run([objectFile('edge', guard), objectFile('exec', refused)]);
    await expect(failing).rejects.toMatchObject({
      code: 'VERIFIER_REJECTED',
      fields: { program: 'endless' },
    });
    expect(pins()).toEqual(tree);
    await expect.poll(held).toEqual(['guard', 'monitor']);
    expect(readLedger(layout().ledger)!.programs.map(({ id }) => id)).toEqual(
      running.deployment.programs.map(({ id }) => id),
    );
    expect(status(load('programs.endless=null', 'programs.monitor.object=exec')).state).toBe('healthy');
    await destroy(load(), () => undefined);
  });

  test('an attachment that fails, after another was made: all is undone', async () => {
    manifest(twoPrograms('{ id: uplink, xdp: { interface: nxb-none } }'));
    const error = await run(both()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BpfError);
    expect(error).toMatchObject({ code: 'INTERFACE_NOT_FOUND' });
    expect((error as BpfError).message).toContain("'nxb-none'");
    expect(pins()).toEqual([]);
    await expect.poll(held).toEqual([]);
  });

  test('an optional attachment without its target is left out, with a note, and made when the target is there', async () => {
    manifest(twoPrograms('{ id: uplink, optional: true, xdp: { interface: nxb-near } }'));
    const first = await run(both());
    expect(first.deployment.links.map(({ id }) => id)).toEqual(['exec']);
    expect(notes).toEqual([
      'link uplink left out: xdp auto nxb-near is not there, and the entry is optional',
    ]);
    expect((await run(both())).plan.empty).toBe(true);
    await kernel.withVeth(async () => {
      expect((await run(both())).deployment.links.map(({ id }) => id)).toEqual(['exec', 'uplink']);
      await destroy(load(), () => undefined);
    });
  });

  test('another definition of a map with entries is refused with every difference, or recreated on request', async () => {
    manifest(twoPrograms(''));
    await run(both());
    const grown = () => [
      objectFile('edge', guard, ['-UENTRIES', '-DENTRIES=8']),
      objectFile('exec', monitor),
    ];
    const error = (await run(grown()).catch((reason: unknown) => reason)) as BpfError;
    expect(error.code).toBe('MAP_INCOMPATIBLE');
    expect(error.message).toBe(
      "map 'hits': max_entries is 4, wanted 8; the kernel holds it with entries in it; undo the change, set " +
        '`migrate: copy` to take the entries over or `migrate: recreate` to start with an empty map, or destroy the ' +
        'deployment first',
    );
    const { plan } = await run(grown(), 'maps.hits.migrate=recreate');
    expect(plan.maps.find(({ name }) => name === 'hits')).toMatchObject({ action: 'replace' });
    const hits = BpfMap.open(path.join(layout().maps, 'hits'));
    expect(hits.maxEntries).toBe(8);
    hits.close();
    await destroy(load(), () => undefined);
  });

  test('what the manifest asks of objects and they do not have: all of it at once, with its place', async () => {
    manifest(`version: 1
objects:
  edge:
    source: edge.bpf.c
    constants: { verdikt: 1, verdict: 4294967296 }
maps:
  hitz: { maxEntries: 8 }
programs:
  guard: { object: edge }
`);
    const error = (await run([objectFile('edge', guard)]).catch((reason: unknown) => reason)) as BpfError;
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.fields.problems).toEqual([
      "p/bpf.config.yaml:5:27: edge: no global variable 'verdikt'; did you mean verdict?",
      "p/bpf.config.yaml:5:39: edge: constant verdict does not fit its C type 'const volatile __u32': found 4294967296, expected 0 to 4294967295",
      "p/bpf.config.yaml:7:3: map 'hitz': no object defines it; known are edge.bss, edge.rodata, hits, totals",
    ]);
    manifest('version: 1\nobjects: { edge: { source: edge.bpf.c } }\nprograms: { gard: { object: edge } }\n');
    await expect(run([objectFile('edge', guard)])).rejects.toMatchObject({
      fields: {
        problems: [
          "p/bpf.config.yaml:3:13: program 'gard': object 'edge' has no program 'gard'; did you mean guard?",
        ],
      },
    });
    expect(pins()).toEqual([]);
  });

  test('two objects that define a map of one name differently', async () => {
    manifest(twoPrograms(''));
    fs.writeFileSync(path.join(kernel.directory, 'shared.h'), shared);
    const edge = objectFile('edge', guard);
    fs.writeFileSync(
      path.join(kernel.directory, 'shared.h'),
      shared.replace('max_entries, 1)', 'max_entries, 2)'),
    );
    const error = (await run([edge, objectFile('exec', monitor)]).catch(
      (reason: unknown) => reason,
    )) as BpfError;
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.message).toMatch(
      /map 'totals' is defined in two ways: array \(key 4, value 8, max_entries 1, .*\) in object 'edge', array \(key 4, value 8, max_entries 2, .*\) in object 'exec'/,
    );
  });

  test('a damaged cache entry is a miss, with a note', async () => {
    manifest(twoPrograms(''));
    await run(both());
    for (const entry of fs.readdirSync(fixture.cacheFolder)) {
      const file = path.join(fixture.cacheFolder, entry);
      const bytes = fs.readFileSync(file);
      bytes[bytes.length - 1]! ^= 1;
      fs.writeFileSync(file, bytes);
    }
    expect((await run(both())).cache).toEqual({ edge: 'miss', exec: 'miss' });
    expect(notes).toEqual([expect.stringContaining('is damaged'), expect.stringContaining('is damaged')]);
    fs.chmodSync(fixture.cacheFolder, 0o777);
    expect((await run(both())).cache).toEqual({ edge: 'off', exec: 'off' });
    expect(notes.at(-1)).toContain('can be written by others');
    await destroy(load(), () => undefined);
  });

  test('a signal on the way: undone, and said so', async () => {
    manifest(twoPrograms(''));
    const interrupted = run(both());
    process.kill(process.pid, 'SIGINT');
    await expect(interrupted).rejects.toMatchObject({ code: 'INTERRUPTED', exitStatus: 130 });
    expect(pins()).toEqual([]);
  });

  test('a signal ends the wait for the lock', async () => {
    manifest(twoPrograms(''));
    const { lock } = await acquireLock(layout().lock, { mode: 0o700, timeoutMs: 0 });
    const waiting = run(both());
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 200);
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(notes).toEqual([
      expect.stringContaining('waiting for another deploy of p/dev to finish: process'),
    ]);
    expect(notes[0]).toContain(`process ${process.pid} (`);
    await expect(run(both(), 'deploy.lockTimeout=0s')).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: expect.stringContaining(`held by process ${process.pid} (`) as string,
    });
    lock.close();
    expect(await destroy(load(), () => undefined)).toBeUndefined();
    expect(pins()).toEqual([]);
  });

  test('applies and destroys at once: each finds all or nothing', async () => {
    manifest(twoPrograms(''));
    await Promise.all(
      Array.from({ length: 9 }, (_, i) => (i % 3 === 2 ? destroy(load(), () => undefined) : run(both()))),
    );
    expect(['healthy', 'absent']).toContain(status(load()).state);
    await destroy(load(), () => undefined);
    expect(pins()).toEqual([]);
  });

  test('two applies at once: one waits for the other, and has nothing to do', async () => {
    manifest(twoPrograms(''));
    const results = await Promise.all([run(both()), run(both())]);
    expect(results.map(({ plan }) => plan.empty).sort()).toEqual([false, true]);
    expect(notes).toEqual([expect.stringContaining('waiting for another deploy of p/dev to finish')]);
    await destroy(load(), () => undefined);
  });

  test('a link that was detached and a pin that was removed are drift, and apply repairs them', async () => {
    manifest(twoPrograms(''));
    const before = await run(both());
    fs.rmSync(path.join(layout().links, 'exec'));
    fs.rmSync(path.join(layout().generations, '1', 'programs', 'guard'));
    expect(status(load())).toMatchObject({
      state: 'drifted',
      drift: [
        'program guard: its pin is gone',
        'link exec: its pin is gone, so it is detached (raw_tracepoint sched_process_exec)',
      ],
    });
    const after = await run(both());
    expect(after.deployment.programs.find(({ name }) => name === 'monitor')!.id).toBe(
      before.deployment.programs.find(({ name }) => name === 'monitor')!.id,
    );
    expect(status(load()).state).toBe('healthy');
    await destroy(load(), () => undefined);
  });

  test('a pin root that is no bpf file system', async () => {
    manifest(twoPrograms(''));
    await expect(run(both(), `pin.root=${kernel.directory}/pins`)).rejects.toMatchObject({
      code: 'NO_BPFFS',
      message: expect.stringContaining('is not on a bpf file system') as string,
    });
  });
});
