import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, closeFd, mapCreate, pinObject, Program, type BpfError } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { destroy, status } from './index';

const head = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
static void count(void) {
  __u32 zero = 0;
  __u64 *total = bpf_map_lookup_elem(&hits, &zero);
  if (total) __sync_fetch_and_add(total, 1);
}
`;
const guard = `${head} SEC("xdp") int guard(void *ctx) { count(); return XDP_PASS; }`;
/** A tail call into the slot of a prog array: what comes back is the verdict of the program in it. */
const tailCall = `${head}
int leaf(void *ctx);
struct {
  __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4);
  __array(values, int (void *));
} jumps SEC(".maps") = { .values = { [1] = (void *)&leaf } };
SEC("xdp") int leaf(void *ctx) { count(); return VERDICT; }
SEC("xdp") int entry(struct xdp_md *ctx) { bpf_tail_call(ctx, &jumps, 1); return XDP_ABORTED; }
`;

kernelSuite('maps of a deployment', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const outside = (): string => path.join(kernel.bpffs, 'outside');
  beforeEach(() => {
    fixture.reset();
    fs.rmSync(outside(), { recursive: true, force: true });
  });
  const object = (name: string, source: string, ...flags: string[]): NamedObject => ({
    name,
    file: kernel.compile(source, { name, flags }),
  });
  /** Somebody else's array. */
  const pinTheirs = (valueSize: number, maxEntries: number): BpfMap => {
    const fd = mapCreate({ map_type: 2, key_size: 4, value_size: valueSize, max_entries: maxEntries });
    pinObject(fd, 'map', `${outside()}/hits`);
    closeFd(fd);
    return BpfMap.open(`${outside()}/hits`);
  };
  const undeploy = () => destroy(fixture.load(), () => undefined);
  const failure = (objects: readonly NamedObject[]): Promise<BpfError> =>
    fixture.apply(objects).then(
      () => Promise.reject(new Error('applied')),
      (error: BpfError) => error,
    );
  const pinnedAt = (pin: string): string => `
version: 1
objects: { edge: { source: edge.bpf.c } }
maps: { hits: { pin: ${pin} } }
programs: { guard: { object: edge } }
`;

  test("a pin outside the project's directory is made with its directory, and goes with the deployment", async () => {
    fixture.manifest(pinnedAt(`{ path: ${outside()}/a/hits }`));
    const { deployment } = await fixture.apply([object('edge', guard)]);
    expect(deployment.maps).toMatchObject([{ name: 'hits', pin: `${outside()}/a/hits`, adopted: false }]);
    expect((await fixture.apply([object('edge', guard)])).plan.empty).toBe(true);
    await undeploy();
    expect(fs.existsSync(`${outside()}/a/hits`)).toBe(false);
  });

  test('a compatible map of somebody else is used, and outlives the deployment', async () => {
    fs.mkdirSync(outside());
    const theirs = pinTheirs(8, 1);
    fixture.manifest(pinnedAt(`{ path: ${outside()}/hits }`));
    const { plan, deployment } = await fixture.apply([object('edge', guard)]);
    expect(plan.maps).toMatchObject([{ name: 'hits', action: 'adopt', reasons: ['new'] }]);
    expect(deployment.maps).toMatchObject([{ id: theirs.id, adopted: true }]);
    const program = Program.open(path.join(fixture.layout.generations, '1', 'programs', 'guard'));
    program.testRun({ data: new Uint8Array(64) });
    program.close();
    expect(theirs.raw.lookup(new Uint8Array(4))![0]).toBe(1);

    expect((await fixture.apply([object('edge', guard)])).plan.empty).toBe(true);
    expect(status(fixture.load()).state).toBe('healthy');
    await undeploy();
    expect(fs.existsSync(`${outside()}/hits`)).toBe(true);
    fs.rmSync(`${outside()}/hits`);
    theirs.close();
  });

  test('one that is not compatible is refused with its differences, and left alone', async () => {
    fs.mkdirSync(outside());
    const theirs = pinTheirs(16, 7);
    fixture.manifest(pinnedAt(`{ path: ${outside()}/hits }`));
    const error = await failure([object('edge', guard)]);
    expect(error.code).toBe('MAP_INCOMPATIBLE');
    expect(error.message).toContain(`what is pinned at ${outside()}/hits is a different one`);
    expect(error.message).toContain('value_size is 16, the object defines 8');
    expect(error.message).toContain('max_entries is 7, the object defines 1');
    expect(fixture.pins()).toEqual([]);
    const there = BpfMap.open(`${outside()}/hits`);
    expect(there.id).toBe(theirs.id);
    there.close();
    theirs.close();
    fs.rmSync(`${outside()}/hits`);
  });

  test('pins that would take the place of each other or of ours are errors of the manifest', async () => {
    fixture.manifest(pinnedAt(`{ path: ${fixture.root}/p/dev/ledger }`));
    expect((await failure([object('edge', guard)])).message).toContain(
      `map 'hits': pin ${fixture.root}/p/dev/ledger is below ${fixture.root}, which nx-bpf lays out itself`,
    );
    fixture.manifest(pinnedAt('project'));
    const two = guard.replaceAll('hits', 'edge_bss').replace('SEC("xdp")', '__u64 seen;\nSEC("xdp")');
    const used = two.replace('count();', 'count(); seen++;');
    fixture.manifest('version: 1\nobjects: { edge: {} }\nprograms: { guard: { object: edge } }\n');
    expect((await failure([object('edge', used)])).message).toContain(
      `maps 'edge.bss' and 'edge_bss' are both pinned at ${fixture.layout.maps}/edge_bss: rename one`,
    );
    fixture.manifest(`
version: 1
objects: { edge: {} }
programs: { new__guard: { object: edge, function: guard } }
`);
    expect((await failure([object('edge', guard)])).message).toContain(
      "program 'new__guard': names that start with new__ are those of pins under way; rename it",
    );
    expect(fixture.pins()).toEqual([]);
  });

  test('the programs in the slots of a prog array are those of the new generation, not of the one before', async () => {
    const manifest = (pin: string): void =>
      fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
maps: { jumps: { pin: ${pin} } }
programs: { entry: { object: edge } }
`);
    manifest('project');
    const verdict = (generation: number): number => {
      const entry = Program.open(
        path.join(fixture.layout.generations, String(generation), 'programs', 'entry'),
      );
      try {
        return entry.testRun({ data: new Uint8Array(64) }).returnValue;
      } finally {
        entry.close();
      }
    };
    const hits = (): unknown => {
      const map = BpfMap.open(path.join(fixture.layout.maps, 'hits'));
      try {
        return map.lookup(0);
      } finally {
        map.close();
      }
    };
    await fixture.apply([object('edge', tailCall, '-DVERDICT=1')]);
    expect(verdict(1)).toBe(1);
    const { plan } = await fixture.apply([object('edge', tailCall, '-DVERDICT=2')]);
    expect(plan.maps).toMatchObject([
      { name: 'hits', action: 'keep', reasons: [] },
      { name: 'jumps', action: 'replace', reasons: ['source'] },
    ]);
    expect(verdict(2)).toBe(2);
    expect(hits()).toBe(2);
    await undeploy();

    manifest('none');
    expect((await failure([object('edge', tailCall, '-DVERDICT=1')])).message).toContain(
      "map 'jumps' must be pinned: the kernel empties a prog array that user space has no fd or pin of",
    );
  });

  test('two programs of the manifest may be one function', async () => {
    fixture.manifest(`
version: 1
objects: { edge: { source: edge.bpf.c } }
programs: { one: { object: edge, function: guard }, two: { object: edge, function: guard } }
`);
    const { deployment } = await fixture.apply([object('edge', guard)]);
    expect(deployment.programs.map(({ name }) => name)).toEqual(['one', 'two']);
    expect((await fixture.apply([object('edge', guard)])).plan.empty).toBe(true);
    await undeploy();
  });

  test('a map keeps its entries when one of the two objects that share it goes', async () => {
    const both = `
version: 1
objects: { edge: {}, other: {} }
programs: { guard: { object: edge }, second: { object: other, function: guard } }
`;
    fixture.manifest(both);
    const objects = [object('edge', guard), object('other', guard)];
    const before = (await fixture.apply(objects)).deployment;
    fixture.manifest(both.replace(', other: {}', '').replace(/, second.*}/, ' }'));
    const after = await fixture.apply([objects[0]!]);
    expect(after.plan.programs).toMatchObject([
      { name: 'guard', action: 'keep' },
      { name: 'second', action: 'remove' },
    ]);
    expect(after.deployment.maps).toEqual(before.maps);
    await undeploy();
  });

  test('LIBBPF_PIN_BY_NAME is overruled: the manifest says where maps are pinned', async () => {
    fixture.manifest('version: 1\nobjects: { edge: {} }\nprograms: { guard: { object: edge } }\n');
    const pinned = guard.replace('} hits', '__uint(pinning, LIBBPF_PIN_BY_NAME); } hits');
    const { deployment } = await fixture.apply([object('edge', pinned)]);
    expect(deployment.maps.map(({ pin }) => pin)).toEqual([path.join(fixture.layout.maps, 'hits')]);
    expect(fs.existsSync('/sys/fs/bpf/hits')).toBe(false);
    await undeploy();
  });

  test('modes are those of the manifest, whatever the umask', async () => {
    fixture.manifest(`
version: 1
pin: { mode: "0750" }
objects: { edge: {} }
programs: { monitor: { object: edge, attach: [{ id: exec, raw_tracepoint: {} }] } }
`);
    const before = process.umask(0o077);
    try {
      const monitor = `${head} SEC("raw_tp/sched_process_exec") int monitor(void *ctx) { count(); return 0; }`;
      await fixture.apply([object('edge', monitor)]);
    } finally {
      process.umask(before);
    }
    const mode = (place: string): string =>
      (fs.statSync(path.join(fixture.root, 'p/dev', place)).mode & 0o777).toString(8);
    expect(['gen/1/programs', 'maps', 'links', 'lock'].map(mode)).toEqual(['750', '750', '750', '750']);
    expect(['gen/1/programs/monitor', 'maps/hits', 'links/exec', 'ledger'].map(mode)).toEqual([
      '640',
      '640',
      '640',
      '640',
    ]);
    await undeploy();
  });
});
