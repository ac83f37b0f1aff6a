import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture, type NamedObject } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { destroy, repair, rollback, status } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 verdict = 2;
SEC("xdp") int guard(void *ctx) { return verdict; }
`;

kernelSuite('a generation takes the place of another', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(text);
  const object = (): NamedObject[] => [
    { name: 'edge', file: kernel.compile(source, { name: 'edge', flags: [] }) },
  ];
  const manifest = (...entries: string[]): void =>
    fixture.manifest(
      `version: 1\nobjects: { edge: { source: edge.bpf.c } }\nprograms: { guard: { object: edge, attach: [${entries.join()}] } }\n`,
    );
  const undeploy = async (): Promise<void> => {
    await destroy(fixture.load(), note);
    expect(fixture.pins()).toEqual([]);
  };

  test('what it leaves behind cannot be removed: it is deployed, says so, and the next apply cleans up', () =>
    kernel.withVeth(async (veth) => {
      manifest(`{ id: uplink, xdp: { interface: ${veth.interface} } }`);
      const set = ['deploy.keepGenerations=1', 'objects.edge.constants.verdict=1'];
      await fixture.apply(object());
      const busy = path.join(fixture.layout.generations, '1', 'programs', 'busy');
      fs.mkdirSync(busy);
      run('mount', '-t', 'tmpfs', 'none', busy);
      try {
        await expect(fixture.apply(object(), ...set)).rejects.toMatchObject({
          code: 'FILE',
          message: expect.stringMatching(
            /^generation 2 of p\/dev is deployed, but .*EBUSY.*the next apply/s,
          ) as unknown,
        });
        expect(status(fixture.load())).toMatchObject({ state: 'healthy', deployment: { generation: 2 } });
      } finally {
        run('umount', busy);
      }
      expect((await fixture.apply(object(), ...set)).plan.empty).toBe(true);
      expect(fs.readdirSync(fixture.layout.generations)).toEqual(['2']);
      await undeploy();
    }));

  test('an optional link whose interface is gone holds up neither a repair nor a rollback', () =>
    kernel.withVeth(async (veth) => {
      run('ip', 'link', 'add', 'nxb-extra', 'type', 'veth', 'peer', 'name', 'nxb-extra-peer');
      manifest(
        `{ id: uplink, xdp: { interface: ${veth.interface} } }`,
        '{ id: extra, optional: true, xdp: { interface: nxb-extra, mode: generic } }',
      );
      await fixture.apply(object());
      await fixture.apply(object(), 'objects.edge.constants.verdict=1');
      run('ip', 'link', 'del', 'nxb-extra');
      expect(status(fixture.load()).drift).toEqual([expect.stringContaining('link extra: ')]);

      const left = expect.stringContaining('link extra left out: ') as unknown;
      const mended = await repair(fixture.load(), note);
      expect(mended.plan?.links).toMatchObject([
        { name: 'extra', action: 'remove' },
        { name: 'uplink', action: 'keep' },
      ]);
      expect(notes.splice(0)).toEqual([left]);
      expect(status(fixture.load())).toMatchObject({ state: 'healthy', deployment: { generation: 3 } });

      await rollback(fixture.load(), { note, to: 2 });
      expect(notes.splice(0)).toEqual([left]);
      expect(status(fixture.load())).toMatchObject({ state: 'healthy', deployment: { generation: 4 } });
      expect(fs.readdirSync(fixture.layout.links)).toEqual(['uplink']);

      // There again, it is made again by an apply.
      run('ip', 'link', 'add', 'nxb-extra', 'type', 'veth', 'peer', 'name', 'nxb-extra-peer');
      const { plan } = await fixture.apply(object(), 'objects.edge.constants.verdict=1');
      expect(plan.links).toMatchObject([{ name: 'extra', action: 'create' }, { action: 'keep' }]);
      await undeploy();
    }));
});

function run(command: string, ...args: string[]): void {
  const { status: code, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}
