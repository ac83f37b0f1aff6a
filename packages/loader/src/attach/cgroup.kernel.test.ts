import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { AttachType, ProgramType } from '../object';
import { attachCgroup, linkDescription } from './index';

const egress = (returns: number, name = 'tiny') =>
  tinyProgram({
    type: ProgramType.cgroup_skb,
    returns,
    attachType: AttachType.cgroup_inet_egress,
    name,
  });
const connect4 = (returns: number) =>
  tinyProgram({ type: ProgramType.cgroup_sock_addr, returns, attachType: AttachType.cgroup_inet4_connect });

/** Whether a process in the cgroup can send a datagram to this machine: 0, or the status of what was refused. */
function send(cgroup: string): string {
  const script = `echo $$ > ${cgroup}/cgroup.procs && exec 3<> /dev/udp/127.0.0.1/9 && echo connected && echo x >&3 && echo sent`;
  const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  return stdout.trim().replace('\n', ' ');
}

kernelSuite('attach to a cgroup', (kernel) => {
  test('egress is refused to the processes of the cgroup, until an update allows it', async () => {
    const [deny, allow] = [egress(0, 'deny'), egress(1, 'allow')];
    await kernel.withCgroup((cgroup) => {
      expect(send(cgroup)).toBe('connected sent');
      const link = attachCgroup(deny, { path: cgroup });
      expect(send(cgroup)).toBe('connected');
      expect(linkDescription(link.info())).toBe(`cgroup egress on /${path.basename(cgroup)}`);
      expect(() => link.update(allow, allow)).toThrow(expect.objectContaining({ code: 'ATTACH_CONFLICT' }));
      link.update(allow, deny);
      expect(send(cgroup)).toBe('connected sent');
      link.close();
    });
    deny.close();
    allow.close();
  });

  test('connect4 is refused; the path can be relative to the hierarchy', async () => {
    const deny = connect4(0);
    await kernel.withCgroup((cgroup) => {
      const link = attachCgroup(deny, { path: path.basename(cgroup), type: 'cgroup_inet4_connect' });
      expect([link.hook, link.describe()]).toEqual(['cgroup', `cgroup connect4 on ${path.basename(cgroup)}`]);
      expect(send(cgroup)).toBe('');
      link.close();
      expect(send(cgroup)).toBe('connected sent');
    });
    deny.close();
  });

  test('a link whose cgroup is removed says so', async () => {
    const program = egress(1);
    const link = await kernel.withCgroup((cgroup) => attachCgroup(program, { path: cgroup }));
    // The kernel takes the programs off a removed cgroup from a work queue.
    await expect
      .poll(() => linkDescription(link.info()), { timeout: 5000 })
      .toBe('cgroup egress on a cgroup that is gone');
    expect(() => link.update(program)).toThrow(/ENOLINK/);
    link.close();
    program.close();
  });

  test('a cgroup that does not exist, a path that is none, and a wrong attach point', async () => {
    const [program, other] = [egress(1), connect4(1)];
    await kernel.withCgroup((cgroup) => {
      const name = path.basename(cgroup);
      expect(() => attachCgroup(program, { path: `${name}x` })).toThrow(
        expect.objectContaining({
          code: 'CGROUP_NOT_FOUND',
          message: expect.stringMatching(new RegExp(`no cgroup '${name}x': .*did you mean ${name}\\?`)),
        }),
      );
      expect(() => attachCgroup(program, { path: '/tmp' })).toThrow(
        expect.objectContaining({
          code: 'CGROUP_NOT_FOUND',
          message: expect.stringContaining('/tmp is not a cgroup'),
        }),
      );
      expect(() => attachCgroup(program, { path: cgroup, type: 'cgroup_inet_egres' })).toThrow(
        "no attach point 'cgroup_inet_egres': expected cgroup_inet_egress",
      );
      expect(() => attachCgroup(program, { path: cgroup, type: 'cgroup_inet4_connect' })).toThrow(
        'found a program of type cgroup_skb, expected cgroup_sock_addr',
      );
      expect(() => attachCgroup(other, { path: cgroup, type: 'cgroup_inet4_bind' })).toThrow(
        /EINVAL .*loaded for another attach type/,
      );
    });
    program.close();
    other.close();
  });
});
