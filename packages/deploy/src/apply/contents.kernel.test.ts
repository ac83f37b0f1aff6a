import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, Program, type BpfError } from '@nx-bpf/loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { destroy, status } from './index';

/** Returns the verdict of the first byte of the destination MAC address; every packet is counted in its rule. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum verdict { XABORT, XDROP, XPASS };
struct rule { enum verdict verdict; __u32 hits; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u8); __type(value, struct rule); } rules SEC(".maps");
const volatile int more = 0;
SEC("xdp") int guard(struct xdp_md *ctx) {
  __u8 *data = (void *)(long)ctx->data;
  if (data + 14 > (__u8 *)(long)ctx->data_end) return XDP_ABORTED;
  struct rule *rule = bpf_map_lookup_elem(&rules, data);
  if (!rule) return XDP_TX + more;
  rule->hits++;
  return rule->verdict;
}
`;

kernelSuite('contents of the maps of a deployment', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());
  afterEach(() => fs.rmSync(fixture.root, { recursive: true, force: true }));
  const edge = (): NamedObject[] => [{ name: 'edge', file: kernel.compile(source, { name: 'edge' }) }];
  const manifest = (mode: string, attach = '[]'): void =>
    fixture.manifest(`
version: 1
environments: { dev: {} }
objects: { edge: { source: edge.bpf.c } }
maps: { rules: { contents: { file: rules.yaml, mode: ${mode} } } }
programs: { guard: { object: edge, attach: ${attach} } }
`);
  const data = (text: string): void =>
    fs.writeFileSync(path.join(fixture.workspace, 'p', 'rules.yaml'), text);
  const verdict = (first: number): number => {
    const program = Program.open(path.join(fixture.layout.current, 'programs', 'guard'));
    const { returnValue } = program.testRun({ data: new Uint8Array(64).fill(first) });
    program.close();
    return returnValue;
  };
  const rules = (): unknown[] => {
    const map = BpfMap.open<number, unknown>(path.join(fixture.layout.maps, 'rules'));
    const all = [...map.entries()].sort(([a], [b]) => a - b);
    map.close();
    return all;
  };
  const undeploy = () => destroy(fixture.load(), () => undefined);

  test('are there before anything is attached; a changed file is planned, written and forgotten', async () => {
    manifest('exact');
    data('1: { verdict: XDROP }\n2: { verdict: XPASS }\n');
    const first = await fixture.apply(edge());
    expect(first.plan.maps.find(({ name }) => name === 'rules')).toMatchObject({
      action: 'create',
      contents: { added: 2, changed: 0, removed: 0 },
    });
    expect([verdict(1), verdict(2), verdict(3)]).toEqual([1, 2, 3]);
    // What programs count is theirs.
    expect((await fixture.apply(edge())).plan.empty).toBe(true);

    const map = BpfMap.open(path.join(fixture.layout.maps, 'rules'));
    map.update(1, { verdict: 'XPASS', hits: 1 });
    map.update(7, {});
    expect(status(fixture.load())).toMatchObject({
      state: 'drifted',
      drift: ['map rules: its entries are not those of p/rules.yaml: 0 missing, 1 different, 1 not in it'],
    });
    map.close();
    expect((await fixture.apply(edge())).plan.maps.find(({ name }) => name === 'rules')).toMatchObject({
      contents: { added: 0, changed: 1, removed: 1 },
    });
    expect(status(fixture.load())).toMatchObject({ state: 'healthy', unseen: [] });

    data('1: { verdict: XPASS }\n3: { verdict: XDROP }\n');
    const { plan } = await fixture.apply(edge());
    expect(plan.maps.find(({ name }) => name === 'rules')).toMatchObject({
      action: 'update',
      reasons: ['contents'],
      contents: { added: 1, changed: 1, removed: 1 },
    });
    expect(plan.programs[0]).toMatchObject({ action: 'keep' });
    expect(rules()).toEqual([
      [1, { verdict: 'XPASS', hits: 1 }],
      [3, { verdict: 'XDROP', hits: 0 }],
    ]);
    expect([verdict(1), verdict(2), verdict(3)]).toEqual([2, 3, 1]);
    await undeploy();
  });

  test('seed is written once, merge leaves others alone', async () => {
    manifest('seed');
    data('1: { verdict: XDROP }\n');
    await fixture.apply(edge());
    const map = BpfMap.open(path.join(fixture.layout.maps, 'rules'));
    map.delete(1);
    map.update(9, { verdict: 'XPASS' });
    map.close();
    expect((await fixture.apply(edge())).plan.empty).toBe(true);
    manifest('merge');
    expect((await fixture.apply(edge())).plan.maps.find(({ name }) => name === 'rules')).toMatchObject({
      contents: { added: 1, changed: 0, removed: 0 },
    });
    expect(rules()).toEqual([
      [1, { verdict: 'XDROP', hits: 0 }],
      [9, { verdict: 'XPASS', hits: 0 }],
    ]);
    await undeploy();
  });

  test('an apply that fails after it wrote them puts the old ones back', async () => {
    manifest('exact');
    data('1: { verdict: XDROP }\n2: { verdict: XPASS }\n');
    await fixture.apply(edge());
    data('1: { verdict: XPASS }\n3: {}\n');
    // The ledger, which is written last, cannot be: a directory is in the way.
    const temporary = path.join(fixture.layout.base, 'new__ledger');
    const original = fs.renameSync;
    fs.renameSync = (from, to) => {
      if (from === temporary) throw new Error('no rename');
      original(from, to);
    };
    try {
      await expect(fixture.apply(edge())).rejects.toThrow('no rename');
    } finally {
      fs.renameSync = original;
    }
    expect(rules()).toEqual([
      [1, { verdict: 'XDROP', hits: 0 }],
      [2, { verdict: 'XPASS', hits: 0 }],
    ]);
    await fixture.apply(edge());
    expect(rules()).toEqual([
      [1, { verdict: 'XPASS', hits: 0 }],
      [3, { verdict: 'XABORT', hits: 0 }],
    ]);
    await undeploy();
  });

  test('what is wrong in the file is an error of the manifest, and nothing is loaded', async () => {
    manifest('merge');
    data('1: { verdict: XDRPO }\n300: {}\n');
    const error = await fixture.apply(edge()).then(
      () => undefined,
      (reason: BpfError) => reason,
    );
    expect(error?.code).toBe('MANIFEST_INVALID');
    expect(error?.fields.problems).toEqual([
      expect.stringMatching(/^p\/rules.yaml:1:15: value.verdict .* did you mean XDROP\?$/),
      expect.stringMatching(
        /^p\/rules.yaml:2:1: key does not fit its C type '__u8': found '300', expected 0 to 255$/,
      ),
    ]);
    expect(fixture.pins()).toEqual([]);
  });
});
