import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { Link } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { acquireLock } from '../state';

const bin = path.resolve(__dirname, '../../bin/nx-bpf.js');

const source = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 verdict = 2;
struct hits { __u64 packets; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hits);
} hits SEC(".maps");
SEC("xdp")
int guard(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct hits *here = bpf_map_lookup_elem(&hits, &zero);
	if (here)
		__sync_fetch_and_add(&here->packets, 1);
	return verdict;
}
SEC("raw_tp/sched_process_exec")
int monitor(void *ctx)
{
	return 0;
}
`;

kernelSuite('nx-bpf plan, apply, status, rollback, destroy', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const environment = { PATH: process.env['PATH'], NO_COLOR: '1' };
  const nxBpfAs = (prefix: readonly string[], ...args: string[]) => {
    const [command, ...rest] = [...prefix, process.execPath, bin, ...args];
    const { status, stdout, stderr } = spawnSync(command!, rest, {
      encoding: 'utf8',
      cwd: fixture.workspace,
      env: environment,
    });
    return { status, stdout, stderr };
  };
  const nxBpf = (...args: string[]) => nxBpfAs([], ...args);
  const statuses = (...commands: readonly string[][]): (number | null)[] =>
    commands.map((args) => nxBpf(...args).status);
  const verdict = ['--set', 'objects.edge.constants.verdict=1'];

  beforeEach(() => {
    fixture.reset();
    fs.writeFileSync(path.join(fixture.workspace, 'p', 'edge.bpf.c'), source);
  });
  const manifest = (veth: string): void =>
    fixture.manifest(`version: 1
toolchain: { clang: clang-19, vmlinux: kernel }
objects: { edge: { source: edge.bpf.c } }
programs:
  guard: { attach: [{ id: uplink, xdp: { interface: ${veth} } }] }
  monitor: { attach: [{ id: exec, raw_tracepoint: {} }] }
`);

  test('from the first plan to destroy: what each says, and the exit status', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface);
      const plan = nxBpf('plan', 'p', '--detailed-exitcode');
      expect(plan.stderr).toBe('');
      expect(plan.status).toBe(2);
      expect(plan.stdout).toContain('+ program guard: create (new)');
      expect(plan.stdout).toContain('Plan for p@dev: 6 to add, 0 to change, 0 to remove; generation 0 to 1');
      expect(statuses(['plan', 'p'], ['plan', 'p', '--out', 'dev.plan'])).toEqual([0, 0]);
      expect(fs.statSync(path.join(fixture.workspace, 'dev.plan')).mode & 0o777).toBe(0o600);
      expect(nxBpf('apply', 'p', '--plan', 'dev.plan').stdout).toContain('p@dev is at generation 1');
      const stale = nxBpf('apply', 'p', '--plan', 'dev.plan', '--json');
      expect(stale.status).toBe(12);
      expect(JSON.parse(stale.stdout)).toMatchObject({ error: { code: 'PLAN_STALE' } });
      expect(nxBpf('plan', 'p', '--detailed-exitcode')).toMatchObject({ status: 0 });

      const json = nxBpf('plan', 'p', '--json', '--verify', ...verdict);
      expect(JSON.parse(json.stdout)).toMatchObject({
        command: 'plan',
        changes: true,
        plan: { formatVersion: 1, from: 1, to: 2, links: [{ switch: 'overlap' }, { switch: 'atomic' }] },
      });
      expect(statuses(['apply', 'p', ...verdict], ['status', 'p'])).toEqual([0, 0]);
      expect(nxBpf('rollback', 'p').stdout).toContain(
        'p@dev is back from generation 2 to what 1 was, as generation 3',
      );
      expect(nxBpf('status', 'p').stdout).toContain('healthy, generation 3, rolled back from 2');
      expect(nxBpf('rollback', 'p', '--to', '9').status).toBe(8);
      expect(nxBpf('rollback', 'p', '--to', 'x').status).toBe(3);

      fs.rmSync(path.join(fixture.layout.links, 'exec'));
      expect(nxBpf('status', 'p')).toMatchObject({
        status: 2,
        stdout: expect.stringContaining('drift link exec: its pin is gone') as string,
      });
      expect(nxBpf('status', 'p', '--repair')).toMatchObject({
        status: 0,
        stderr: expect.stringContaining('made again: 1 to add, 0 to change, 0 to remove') as string,
      });
      expect(nxBpf('destroy', 'p').status).toBe(0);
      expect(nxBpf('status', 'p').stdout).toContain('nothing is deployed');
      expect(fixture.pins()).toEqual([]);
    }));

  test('without CAP_SYS_ADMIN: status works from the pins, and says what it could not see', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface);
      expect(nxBpf('apply', 'p').status).toBe(0);
      const least = ['setpriv', '--bounding-set', '-all,+bpf,+net_admin,+perfmon,+dac_override'];
      const { status, stdout, stderr } = nxBpfAs(least, 'status', 'p');
      expect(stderr).toBe('');
      expect(stdout).toContain('p@dev: healthy, generation 1');
      expect(stdout).toContain(
        'not seen maps without a pin, and names of the programs of others: objects by id take CAP_SYS_ADMIN',
      );
      expect(status).toBe(0);
      // The same rights do for an upgrade.
      expect(nxBpfAs(least, 'apply', 'p', ...verdict)).toMatchObject({ status: 0 });
      expect(nxBpfAs(least, 'rollback', 'p')).toMatchObject({ status: 0 });
      expect(nxBpf('status', 'p').status).toBe(0);
      nxBpf('destroy', 'p');
    }));

  test('two applies of two processes: one waits, told who holds the lock, and has nothing to do', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface);
      expect(nxBpf('build', 'p').status).toBe(0);
      const { lock, made } = await acquireLock(fixture.layout.lock, { mode: 0o700, timeoutMs: 0 });
      const start = () =>
        spawn(process.execPath, [bin, 'apply', 'p'], { cwd: fixture.workspace, env: environment });
      const children = [start(), start()];
      const told = children.map(async (child) => {
        let text = '';
        child.stderr.setEncoding('utf8').on('data', (data: string) => (text += data));
        await once(child.stderr, 'data');
        return () => text;
      });
      const texts = await Promise.all(told);
      const out = children.map(async (child) => {
        let text = '';
        child.stdout.setEncoding('utf8').on('data', (data: string) => (text += data));
        const [code] = (await once(child, 'exit')) as [number];
        return { code, text };
      });
      for (const text of texts)
        expect(text()).toContain(`waiting for another deploy of p/dev to finish: process ${process.pid} (`);
      expect(nxBpf('apply', 'p', '--set', 'deploy.lockTimeout=0s')).toMatchObject({
        status: 10,
        stderr: expect.stringContaining(`it is held by process ${process.pid} (`) as string,
      });
      lock.close();
      const ended = await Promise.all(out);
      expect(ended.map(({ code }) => code)).toEqual([0, 0]);
      expect(ended.map(({ text }) => text.includes('nothing to do')).sort()).toEqual([false, true]);
      expect(made.length).toBeGreaterThan(0);
      nxBpf('destroy', 'p');
      expect(fixture.pins()).toEqual([]);
    }));

  test('an upgrade that fails after a switch ends with 13; what ran runs on', () =>
    kernel.withVeth(async (veth) => {
      manifest(veth.interface);
      expect(nxBpf('apply', 'p').status).toBe(0);
      const text = fs.readFileSync(path.join(fixture.workspace, 'p', 'bpf.config.yaml'), 'utf8');
      fixture.manifest(
        text.replace('{ id: uplink', '{ id: zz, xdp: { interface: nxb-none } }, { id: uplink'),
      );
      const { status, stdout } = nxBpf('apply', 'p', '--json', ...verdict);
      expect(status).toBe(13);
      expect(JSON.parse(stdout)).toMatchObject({
        error: { code: 'ROLLED_BACK', cause: 'INTERFACE_NOT_FOUND' },
      });
      const link = Link.open(path.join(fixture.layout.links, 'uplink'));
      const before = link.info().programId;
      link.close();
      fixture.manifest(text);
      const found = JSON.parse(nxBpf('status', 'p', '--json').stdout) as {
        programs: { name: string; id: number }[];
      };
      expect(found.programs.find(({ name }) => name === 'guard')!.id).toBe(before);
      nxBpf('destroy', 'p');
    }));
});
