import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, Link } from '@nx-bpf/loader';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { compileTraced } from '../../../../tools/testing/user-binary';
import { linkPin } from '../state';
import { destroy, repair, rollback, status } from './index';

/**
 * A probe of two places. The program is no `SEC("usdt")`, which this kernel would take with one link for all of them: of
 * others there is a link for each, as there is of every USDT probe before Linux 6.6.
 */
const source = (section: string, step: number) => `
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } runs SEC(".maps");
SEC("${section}") int probe(struct pt_regs *ctx)
{
  __u32 key = bpf_usdt_cookie(ctx) & 7;
  __u64 *count = bpf_map_lookup_elem(&runs, &key);
  if (count) __sync_fetch_and_add(count, ${step});
  return 0;
}
`;

kernelSuite('a usdt probe of several links by a manifest', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  let traced = '';
  beforeAll(() => {
    traced = compileTraced(path.join(kernel.directory, 'traced'));
  });
  beforeEach(() => fixture.reset());

  const object = (step = 1, section = 'uprobe') => {
    const flags = [`-D__TARGET_ARCH_${process.arch === 'arm64' ? 'arm64' : 'x86'}`];
    const name = `user-${section}-${step}`;
    return [{ name: 'user', file: kernel.compile(source(section, step), { name, flags }) }];
  };
  const manifest = (id: string, more: { cookie?: number; replace?: string; other?: string } = {}): void => {
    const { cookie = 1, replace = 'make-before-break', other = '' } = more;
    fixture.manifest(`
version: 1
objects: { user: {} }
programs:
  probe:
    attach:
      - { id: ${id}, replace: ${replace}, usdt: { binary: ${traced}, provider: demo, name: twice, cookie: ${cookie} } }
      ${other}
`);
  };
  /** How often each cookie was seen while the traced program takes a turn, since the last time. */
  const seen = (): number[] => {
    const data = BpfMap.open<number, number | bigint>(path.join(fixture.layout.maps, 'runs'));
    const read = (): number[] => [1, 2].map((key) => Number(data.lookup(key)));
    const before = read();
    spawnSync(traced, ['1'], { input: '!' });
    const after = read();
    data.close();
    return after.map((count, i) => count - before[i]!);
  };
  const parts = (id: string): number[] =>
    fs.readdirSync(linkPin(fixture.layout, id)).map((name) => {
      const link = Link.open(path.join(linkPin(fixture.layout, id), name));
      link.close();
      return link.id;
    });
  const linkPins = (): string[] => fixture.pins().filter((pin) => pin.startsWith('links/'));

  test('its links are pinned together, replaced together, rolled back and removed together', async () => {
    const [one, ten] = [object(1), object(10)];
    manifest('twice');
    const { deployment } = await fixture.apply(one);
    expect(deployment.links).toMatchObject([{ id: 'twice', hook: 'usdt' }]);
    expect(linkPins()).toEqual(['links/twice', 'links/twice/0', 'links/twice/1']);
    const first = parts('twice');
    const [each] = seen();
    expect(each).toBeGreaterThan(0);
    expect((await fixture.apply(one)).plan.empty).toBe(true);
    expect(status(fixture.load()).state).toBe('healthy');

    const { plan } = await fixture.apply(ten);
    expect(plan.links).toMatchObject([{ action: 'replace', reasons: ['program'], switch: 'overlap' }]);
    expect(parts('twice')).toHaveLength(2);
    expect(parts('twice').filter((id) => first.includes(id))).toEqual([]);
    await expect.poll(seen).toEqual([each! * 10, 0]);

    manifest('twice', { cookie: 2, replace: 'gap' });
    expect((await fixture.apply(ten)).plan.links).toMatchObject([
      { action: 'replace', reasons: ['target'], switch: 'gap' },
    ]);
    expect(seen()).toEqual([0, each! * 10]);

    await rollback(fixture.load(), { note: () => undefined });
    await expect.poll(seen).toEqual([each! * 10, 0]);
    expect(status(fixture.load()).state).toBe('healthy');

    // Another id: the same links under another directory.
    const before = parts('twice');
    manifest('moved');
    expect((await fixture.apply(ten)).plan.links).toMatchObject([
      { name: 'moved', action: 'update', reasons: ['renamed'], renamedFrom: 'twice' },
    ]);
    expect(linkPins()).toEqual(['links/moved', 'links/moved/0', 'links/moved/1']);
    expect(parts('moved')).toEqual(before);

    await destroy(fixture.load(), () => undefined);
    expect(fixture.pins()).toEqual([]);
  });

  test('one link for all places takes the place of several, and the other way round', async () => {
    const [several, one] = [object(1), object(1, 'usdt')];
    manifest('twice');
    await fixture.apply(several);
    const [each] = seen();
    await fixture.apply(one);
    expect(linkPins()).toEqual(['links/twice']);
    await expect.poll(seen).toEqual([each, 0]);
    await fixture.apply(several);
    expect(linkPins()).toEqual(['links/twice', 'links/twice/0', 'links/twice/1']);
    await expect.poll(seen).toEqual([each, 0]);
    await destroy(fixture.load(), () => undefined);
  });

  test('what fails after they were switched is undone; a part that somebody removed is mended', async () => {
    const [one, ten] = [object(1), object(10)];
    manifest('twice');
    await fixture.apply(one);
    const [before, pins] = [parts('twice'), fixture.pins()];
    const [each] = seen();
    const other = `- { id: zz, uprobe: { binary: ${traced}, function: no_such_function } }`;
    for (const replace of ['make-before-break', 'gap']) {
      manifest('twice', { replace, other });
      await expect(fixture.apply(ten)).rejects.toMatchObject({ code: 'ROLLED_BACK' });
      expect(fixture.pins()).toEqual(pins);
      await expect.poll(seen).toEqual([each, 0]);
      // With a gap the old ones had to go: they are made anew, as every link of that kind.
      if (replace === 'make-before-break') expect(parts('twice')).toEqual(before);
    }
    manifest('twice');
    await fixture.apply(one);
    expect(status(fixture.load()).state).toBe('healthy');

    fs.rmSync(path.join(linkPin(fixture.layout, 'twice'), '1'));
    expect(status(fixture.load())).toMatchObject({
      state: 'drifted',
      drift: ['link twice: links of it are missing: 1 of 2 are there'],
    });
    expect((await repair(fixture.load(), () => undefined)).plan?.links).toMatchObject([{ action: 'create' }]);
    await expect.poll(seen).toEqual([each, 0]);
    expect(status(fixture.load()).state).toBe('healthy');
    fs.rmSync(linkPin(fixture.layout, 'twice'), { recursive: true });
    expect(status(fixture.load()).drift).toEqual([
      expect.stringMatching(/^link twice: its pin is gone, so it is detached/),
    ]);
    await fixture.apply(one);
    expect(seen()).toEqual([each, 0]);
    await destroy(fixture.load(), () => undefined);
    expect(fixture.pins()).toEqual([]);
  });
});
