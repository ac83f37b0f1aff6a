import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { BpfMap, probeHook } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { RelocationCache } from '../cache';
import { renderPlan } from '../report';
import { destroy, planProject } from './index';

const header = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
`;
/** Both see a process start. */
const fast = `${header}
__u64 fast_runs;
SEC("fentry/security_bprm_check") int on_fentry(void *ctx) { fast_runs++; return 0; }
`;
const old = `${header}
__u64 old_runs;
SEC("tp/sched/sched_process_exec") int on_tracepoint(void *ctx) { old_runs++; return 0; }
`;

const manifest = (more = '') => `
version: 1
objects: { fast: {}, old: {} }
programs:
  execs:
    ${more}
    variants:
      - { name: fast, when: { hook: fentry }, object: fast, function: on_fentry, attach: [{ id: execs, fentry: {} }] }
      - { name: old, when: { hook: tracepoint, kernel: '>=5.15' }, object: old, function: on_tracepoint, attach: [{ id: execs, tracepoint: {} }] }
      - { name: never, object: old, function: on_tracepoint }
`;

kernelSuite('variants of a program', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const objects = () => [
    { name: 'fast', file: kernel.compile(fast, { name: 'fast' }) },
    { name: 'old', file: kernel.compile(old, { name: 'old' }) },
  ];
  const runs = (map: string): unknown => {
    const data = BpfMap.open<number, Record<string, bigint>>(path.join(fixture.layout.maps, map));
    const value = Object.values(data.lookup(0)!)[0];
    data.close();
    return value;
  };

  beforeEach(() => fixture.reset());

  test('the first that this kernel attaches is deployed and runs, and the plan says why', async () => {
    const fentry = probeHook('fentry');
    const variant = fentry.attaches === true ? 'fast' : 'old';
    const passedOver =
      variant === 'fast' ? [] : [{ variant: 'fast', unmet: [`hook fentry: ${fentry.reason}`] }];
    fixture.manifest(manifest());
    const compiled = objects();
    const config = fixture.load();
    const notes: string[] = [];
    const cache = new RelocationCache(fixture.cacheFolder);
    const { plan } = await planProject({
      config,
      objects: compiled,
      cache,
      note: (text) => notes.push(text),
    });
    expect(plan.variants).toEqual([{ program: 'execs', variant, passedOver }]);
    expect(plan.programs.map(({ name, object }) => [name, object])).toEqual([['execs', variant]]);
    const why = passedOver.map(({ unmet }) => ` (fast does not hold: ${unmet.join()})`).join('');
    const line = `program execs: variant ${variant}${why}`;
    expect(renderPlan(plan).map((text) => text.trim())).toContain(line);
    expect(notes).toEqual(passedOver.map(() => line));

    const { deployment } = await fixture.apply(compiled);
    expect(deployment.programs.map(({ name, object }) => [name, object])).toEqual([['execs', variant]]);
    spawnSync('true');
    expect(runs(`${variant}_bss`)).toBeGreaterThan(0n);
    expect(fixture.pins().some((pin) => pin.includes(variant === 'fast' ? 'old_bss' : 'fast_bss'))).toBe(
      false,
    );
    expect((await fixture.apply(compiled)).plan.empty).toBe(true);
    await destroy(fixture.load(), () => undefined);
  });

  test('another choice is an upgrade: the link goes over to the other variant', async () => {
    fixture.manifest(
      manifest()
        .replace('hook: fentry', "kernel: '>=5.0', hook: tracepoint")
        .replaceAll(
          /object: fast, function: on_fentry, attach: \[\{ id: execs, fentry: \{\} \}\]/g,
          'object: old, function: on_tracepoint, attach: [{ id: execs, tracepoint: {} }]',
        ),
    );
    const compiled = objects();
    const first = await fixture.apply(compiled);
    expect(first.plan.variants).toMatchObject([{ variant: 'fast', passedOver: [] }]);
    const second = await fixture.apply(
      compiled,
      "programs.execs.variants=[{name: fast, when: {kernel: '<5.0'}}]",
    );
    expect(second.plan.variants).toMatchObject([{ variant: 'old' }]);
    // It is the same program at the same place, so nothing changes.
    expect(second.plan.empty).toBe(true);
    await destroy(fixture.load(), () => undefined);
  });

  test('where none holds nothing is deployed; an optional program is left out', async () => {
    const none = manifest()
      .replace('hook: fentry', "kernel: '<4.0'")
      .replace('hook: tracepoint', 'hook: kprobe, function: no_such_function');
    fixture.manifest(none.replace(/ *- \{ name: never.*\n/, ''));
    await expect(fixture.apply(objects())).rejects.toMatchObject({
      code: 'VARIANT_UNAVAILABLE',
      exitStatus: 8,
      fields: {
        problems: [
          expect.stringMatching(/^execs: fast: kernel <4\.0: found \d/),
          expect.stringContaining('no_such_function'),
        ],
      },
    });
    expect(fixture.pins()).toEqual([]);
    fixture.manifest(
      none.replace(/ *- \{ name: never.*\n/, '').replace('execs:\n', 'execs:\n    optional: true\n'),
    );
    const { plan, deployment } = await fixture.apply(objects());
    expect(deployment).toMatchObject({ generation: 0, programs: [], links: [] });
    expect(plan.variants).toMatchObject([{ program: 'execs', variant: null }]);
    expect(fixture.notes).toEqual([
      expect.stringMatching(/^program execs: left out, as it is optional \(fast does not hold/),
    ]);
  });
});
