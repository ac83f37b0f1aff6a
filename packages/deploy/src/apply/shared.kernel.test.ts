import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, Program, type BpfError } from '@nx-bpf/loader';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { RelocationCache } from '../cache';
import { loadProject } from '../manifest';
import { acquireLock } from '../state';
import { apply, destroy, rollback, type ApplyResult } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
struct flow { __u64 packets; MORE };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct flow); } flows SEC(".maps");
SEC("xdp") int count(void *ctx) {
  __u32 zero = 0;
  struct flow *flow = bpf_map_lookup_elem(&flows, &zero);
  if (flow) __sync_fetch_and_add(&flow->packets, 1);
  return XDP_PASS;
}
`;

kernelSuite('maps that projects share', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => {
    fixture.reset();
    for (const name of ['a', 'b']) {
      fs.mkdirSync(path.join(fixture.workspace, name));
      const text = `version: 1\nobjects: { ${name}: { source: x.c } }\nprograms: { count: { object: ${name} } }\n`;
      fs.writeFileSync(path.join(fixture.workspace, name, 'bpf.config.yaml'), text);
    }
    root('{ pin: shared, migrate: copy }');
  });
  afterEach(() => fs.rmSync(fixture.root, { recursive: true, force: true }));
  const root = (flows: string): void =>
    fs.writeFileSync(
      path.join(fixture.workspace, 'bpf.config.yaml'),
      `version: 1\npin: { root: ${fixture.root} }\nenvironments: { dev: {} }\ndeploy: { lockTimeout: 100ms }\nmaps: { flows: ${flows} }\n`,
    );
  const config = (project: string) =>
    loadProject({ workspaceRoot: fixture.workspace, project, environment: 'dev' });
  const deploy = (project: string, more = ''): Promise<ApplyResult> =>
    apply({
      config: config(project),
      objects: [
        { name: project, file: kernel.compile(source, { name: project, flags: [`-DMORE=${more}`] }) },
      ],
      cache: new RelocationCache(fixture.cacheFolder),
      note: (text) => fixture.notes.push(text),
    });
  const undeploy = (project: string) => destroy(config(project), () => undefined);
  const packet = (project: string): void => {
    const program = Program.open(path.join(fixture.root, project, 'dev/current/programs/count'));
    program.testRun({ data: new Uint8Array(64) });
    program.close();
  };
  const pin = (): string => path.join(fixture.root, 'shared/dev/maps/flows');
  const flow = (): unknown => {
    const map = BpfMap.open<number>(pin());
    try {
      return map.lookup(0);
    } finally {
      map.close();
    }
  };
  const refusal = (work: Promise<unknown>): Promise<BpfError> =>
    work.then(
      () => Promise.reject(new Error('done')),
      (error: BpfError) => error,
    );

  test('are one map for all of them, which the last one removes', async () => {
    const first = await deploy('a');
    expect(first.deployment.maps).toMatchObject([{ name: 'flows', pin: pin() }]);
    const second = await deploy('b');
    expect(second.plan.maps).toMatchObject([{ name: 'flows', action: 'adopt' }]);
    expect(second.deployment.maps[0]!.id).toBe(first.deployment.maps[0]!.id);
    packet('a');
    packet('b');
    expect(flow()).toEqual({ packets: 2 });
    expect((await deploy('a')).plan.empty).toBe(true);
    expect((await deploy('b')).plan.empty).toBe(true);

    await undeploy('a');
    packet('b');
    expect(flow()).toEqual({ packets: 3 });
    await undeploy('b');
    expect(fixture.pins()).toEqual([]);
  });

  test('stay for a project whose ledger lost its pin', async () => {
    await deploy('a');
    await deploy('b');
    fs.rmSync(path.join(fixture.root, 'b/dev/ledger'));
    expect((await refusal(deploy('a', '__u64 bytes;'))).message).toContain('know it otherwise: b');
    await undeploy('a');
    packet('b');
    expect(flow()).toEqual({ packets: 1 });
    await undeploy('b');
    expect(fixture.pins()).toEqual([]);
  });

  test('keep their shape while others use them: these are named', async () => {
    await deploy('a');
    await deploy('b');
    packet('a');
    const error = await refusal(deploy('b', '__u64 bytes;'));
    expect(error.code).toBe('MAP_INCOMPATIBLE');
    expect(error.message).toContain(
      "map 'flows': projects that share it know it otherwise: a; deploy all of them with one definition",
    );
    expect(flow()).toEqual({ packets: 1 });
    // Alone with it, a project may change it, as the manifest says.
    await undeploy('a');
    expect((await deploy('b', '__u64 bytes;')).plan.maps).toMatchObject([{ action: 'migrate' }]);
    expect(flow()).toEqual({ packets: 1, bytes: 0 });
    expect((await refusal(deploy('a'))).message).toContain('projects that share it know it otherwise: b');
    expect(fs.existsSync(path.join(fixture.root, 'a'))).toBe(false);
    await deploy('a', '__u64 bytes;');
    await undeploy('b');
    await undeploy('a');
    expect(fixture.pins()).toEqual([]);
  });

  test('are not taken from others by a rollback', async () => {
    await deploy('b');
    await deploy('b', '__u64 bytes;');
    await deploy('a', '__u64 bytes;');
    packet('a');
    const error = await refusal(rollback(config('b'), { note: () => undefined }));
    expect(error.message).toContain(
      "map 'flows': generation 1 had another one than the one that is shared now with a",
    );
    packet('b');
    expect(flow()).toEqual({ packets: 2, bytes: 0 });
    await undeploy('a');
    await rollback(config('b'), { note: () => undefined });
    expect(flow()).toEqual({ packets: 0 });
    await undeploy('b');
    expect(fixture.pins()).toEqual([]);
  });

  test('have a lock of their own', async () => {
    await deploy('a');
    const { lock } = await acquireLock(path.join(fixture.root, 'shared/dev/lock'), {
      mode: 0o700,
      timeoutMs: 0,
    });
    const before = fixture.pins();
    expect((await refusal(deploy('b'))).code).toBe('LOCK_TIMEOUT');
    expect(fixture.notes).toEqual([
      expect.stringMatching(
        `^waiting for a deploy that uses the maps of shared/dev to finish: process ${process.pid} `,
      ),
    ]);
    expect((await refusal(undeploy('a'))).code).toBe('LOCK_TIMEOUT');
    expect(fixture.pins()).toEqual(before);
    lock.close();
    await undeploy('a');
    expect(fixture.pins()).toEqual([]);
  });

  test('a project that no longer uses one leaves it to the others', async () => {
    await deploy('a');
    await deploy('b');
    root('{ pin: project }');
    await refusal(deploy('b'));
    root('{ pin: project, migrate: recreate }');
    await deploy('b');
    expect(flow()).toEqual({ packets: 0 });
    await undeploy('b');
    root('{ pin: shared }');
    packet('a');
    expect(flow()).toEqual({ packets: 1 });
    await undeploy('a');
    expect(fixture.pins()).toEqual([]);
  });
});
