import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { mount, unmount } from '../../../loader/src/kernel';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { destroy } from './index';

const nobody = 65534;
const bin = path.resolve(__dirname, '../../bin/nx-bpf.js');
const source = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
SEC("xdp") int guard(struct xdp_md *ctx) {
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&hits, &zero);
  if (count) __sync_fetch_and_add(count, 1);
  return 2;
}
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('directories of pins, and who may write them', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const manifest = (attach = '[]'): void =>
    fixture.manifest(
      `version: 1\nobjects: { edge: { source: edge.bpf.c } }\nprograms: { guard: { object: edge, attach: ${attach} } }\n`,
    );
  const object = () => [{ name: 'edge', file: kernel.compile(source, { name: 'edge' }) }];

  beforeEach(() => {
    fixture.reset();
    manifest();
  });

  test.each<[string, () => string, string]>([
    [
      'belongs to another',
      () => (fs.chownSync(fixture.root, nobody, nobody), 'nx-bpf'),
      'belongs to user 65534',
    ],
    ['can be written by all', () => (fs.chmodSync(fixture.root, 0o777), 'nx-bpf'), 'by others (mode 777'],
    [
      'can be written by its group',
      () => (fs.chmodSync(fixture.root, 0o770), 'nx-bpf'),
      'by others (mode 770',
    ],
    [
      'belongs to another, further down',
      () => (
        fs.mkdirSync(`${fixture.root}/p`),
        fs.chownSync(`${fixture.root}/p`, nobody, nobody),
        'nx-bpf/p'
      ),
      'belongs to user 65534',
    ],
    [
      'is a symbolic link to what is not ours',
      () => (fs.renameSync(fixture.root, `${kernel.bpffs}/x`), fs.symlinkSync('x', fixture.root), 'nx-bpf'),
      'is a symbolic link, to x',
    ],
  ])('one that %s is refused, and nothing is made in it', async (_, prepare, text) => {
    fs.mkdirSync(fixture.root, { mode: 0o700 });
    const place = path.join(kernel.bpffs, prepare());
    try {
      const seen = fs.readdirSync(fixture.root);
      await expect(fixture.apply(object())).rejects.toMatchObject({
        code: 'PIN_INVALID',
        fields: { path: place },
        message: expect.stringContaining(text) as string,
      });
      expect(fs.readdirSync(fixture.root)).toEqual(seen);
    } finally {
      fs.rmSync(fixture.root, { recursive: true });
      fs.rmSync(path.join(kernel.bpffs, 'x'), { recursive: true, force: true });
    }
  });

  test('below a mount that all may write, directories are 0700 and pins 0600; a manifest may widen that', async () => {
    fs.chmodSync(kernel.bpffs, 0o1777);
    const modes = (): string[] =>
      ['', 'p', 'p/dev', 'p/dev/maps', 'p/dev/maps/hits', 'p/dev/gen/1/programs/guard'].map((name) =>
        (fs.statSync(path.join(fixture.root, name)).mode & 0o777).toString(8),
      );
    const ignore = (): void => undefined;
    await fixture.apply(object());
    expect(modes()).toEqual(['700', '700', '700', '700', '600', '600']);
    await destroy(fixture.load(), ignore);
    const wide = 'pin.mode="0770"';
    await fixture.apply(object(), wide);
    expect(modes()).toEqual(['770', '770', '770', '770', '660', '660']);
    await destroy(fixture.load(wide), ignore);
    expect(fixture.pins()).toEqual([]);
  });

  test('apply, status and destroy by a user with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON alone, on a bpffs of his own', () =>
    kernel.withVeth((veth) => {
      const [own, home] = [path.join(kernel.directory, 'own'), path.join(kernel.directory, 'home')];
      for (const directory of [own, home]) fs.mkdirSync(directory);
      mount({ type: 'bpf', target: own, data: `uid=${nobody},gid=${nobody},mode=0700` });
      // The kernel puts maps.debug and progs.debug into each.
      const fresh = fs.readdirSync(own);
      try {
        manifest(`[{ id: uplink, xdp: { interface: ${veth.interface} } }]`);
        fs.writeFileSync(path.join(fixture.workspace, 'p', 'edge.bpf.c'), source);
        fs.writeFileSync(
          path.join(fixture.workspace, 'bpf.config.yaml'),
          `version: 1\npin: { root: ${own}/nx-bpf }\n`,
        );
        fs.chmodSync(path.dirname(kernel.directory), 0o755);
        spawnSync('chown', ['-R', `${nobody}:${nobody}`, fixture.workspace, home]);
        const rights = '-all,+bpf,+net_admin,+perfmon';
        const nxBpf = (...args: string[]) =>
          spawnSync(
            'setpriv',
            [
              ...['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'],
              ...['--bounding-set', rights, '--inh-caps', rights, '--ambient-caps', rights],
              ...[process.execPath, bin, ...args],
            ],
            {
              encoding: 'utf8',
              cwd: fixture.workspace,
              env: { PATH: process.env['PATH'], HOME: home, NO_COLOR: '1' },
            },
          );
        expect(nxBpf('apply', 'p')).toMatchObject({ status: 0 });
        const pin = path.join(own, 'nx-bpf/p/dev/maps/hits');
        expect(fs.statSync(pin)).toMatchObject({ uid: nobody, mode: 0o100600 });
        veth.sendFromFar(3);
        expect(nxBpf('map', 'dump', pin, '--json').stdout).toContain('"value":"03 00 00 00 00 00 00 00"');
        const { status, stdout, stderr } = nxBpf('status', 'p');
        expect(stderr).toBe('');
        expect(stdout).toContain('p@dev: healthy, generation 1');
        expect(stdout).toContain('not seen');
        expect(status).toBe(0);
        expect(nxBpf('destroy', 'p')).toMatchObject({ status: 0 });
        expect(fs.readdirSync(own)).toEqual(fresh);
      } finally {
        unmount(own);
      }
    }));
});
