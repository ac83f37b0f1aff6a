import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { inOwnCgroup, inOwnNetwork } from '../../../../tools/features/surroundings';
import { tcpExchange, udpExchange } from '../../../../tools/testing/exchanges';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { unixExchange } from '../../../../tools/testing/sockets';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { AttachType, ProgramType } from '../object';
import { loadFile, type Collection } from '../runtime';
import { attachCgroup, cgroupPrograms, cgroupTypes, linkDescription } from './index';

/** A program for each attach point: those that can refuse do as `allowed` says, the others only count. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
unsigned long long runs = 0;
volatile unsigned int allowed = 1;
#define DECIDE(section, name, context) \\
  SEC("?" section) int name(struct context *ctx) { __sync_fetch_and_add(&runs, 1); return allowed & 1; }
#define COUNT(section, name, context) \\
  SEC("?" section) int name(struct context *ctx) { __sync_fetch_and_add(&runs, 1); return 1; }
DECIDE("cgroup_skb/ingress", ingress, __sk_buff)
DECIDE("cgroup_skb/egress", egress, __sk_buff)
DECIDE("cgroup/sock_create", sock_create, bpf_sock)
COUNT("cgroup/sock_release", sock_release, bpf_sock)
COUNT("sockops", sockops, bpf_sock_ops)
DECIDE("cgroup/dev", dev, bpf_cgroup_dev_ctx)
DECIDE("cgroup/bind4", bind4, bpf_sock_addr)
DECIDE("cgroup/bind6", bind6, bpf_sock_addr)
DECIDE("cgroup/connect4", connect4, bpf_sock_addr)
DECIDE("cgroup/connect6", connect6, bpf_sock_addr)
DECIDE("cgroup/post_bind4", post_bind4, bpf_sock)
DECIDE("cgroup/post_bind6", post_bind6, bpf_sock)
DECIDE("cgroup/sendmsg4", sendmsg4, bpf_sock_addr)
DECIDE("cgroup/sendmsg6", sendmsg6, bpf_sock_addr)
COUNT("cgroup/recvmsg4", recvmsg4, bpf_sock_addr)
COUNT("cgroup/recvmsg6", recvmsg6, bpf_sock_addr)
DECIDE("cgroup/sysctl", sysctl, bpf_sysctl)
DECIDE("cgroup/setsockopt", setsockopt, bpf_sockopt)
DECIDE("cgroup/getsockopt", getsockopt, bpf_sockopt)
COUNT("cgroup/getpeername4", getpeername4, bpf_sock_addr)
COUNT("cgroup/getpeername6", getpeername6, bpf_sock_addr)
COUNT("cgroup/getsockname4", getsockname4, bpf_sock_addr)
COUNT("cgroup/getsockname6", getsockname6, bpf_sock_addr)
DECIDE("cgroup/connect_unix", connect_unix, bpf_sock_addr)
DECIDE("cgroup/sendmsg_unix", sendmsg_unix, bpf_sock_addr)
COUNT("cgroup/recvmsg_unix", recvmsg_unix, bpf_sock_addr)
COUNT("cgroup/getpeername_unix", getpeername_unix, bpf_sock_addr)
COUNT("cgroup/getsockname_unix", getsockname_unix, bpf_sock_addr)
char LICENSE[] SEC("license") = "GPL";
`;

/** What a process does that an attach point is asked about: whether it was let do it. */
type Action = () => boolean | Promise<boolean>;

const udp4 = () => udpExchange(4);
const udp6 = () => udpExchange(6);
const tcp4 = () => tcpExchange(4);
const tcp6 = () => tcpExchange(6);
const read = (file: string) => () => {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
};
const unix = (step: string) => () => unixExchange('/tmp/nx-bpf-cgroup.sock').includes(step);

/** What asks each attach point. */
const actions: Readonly<Record<string, Action>> = {
  ingress: udp4,
  egress: udp4,
  sock_create: udp4,
  sock_release: udp4,
  sockops: tcp4,
  dev: read('/dev/null'),
  bind4: udp4,
  bind6: udp6,
  connect4: tcp4,
  connect6: tcp6,
  post_bind4: udp4,
  post_bind6: udp6,
  sendmsg4: udp4,
  sendmsg6: udp6,
  sysctl: read('/proc/sys/kernel/ostype'),
  recvmsg4: udp4,
  recvmsg6: udp6,
  getsockopt: udp4,
  setsockopt: udp4,
  getpeername4: tcp4,
  getpeername6: tcp6,
  getsockname4: tcp4,
  getsockname6: tcp6,
  connect_unix: unix('connect'),
  sendmsg_unix: unix('sendmsg'),
  recvmsg_unix: unix('recvmsg'),
  getpeername_unix: unix('getpeername'),
  getsockname_unix: unix('getsockname'),
};

/** They change what a process sees, and refuse nothing. */
const only: ReadonlySet<string> = new Set([
  'sock_release',
  'sockops',
  ...['recvmsg', 'getpeername', 'getsockname'].flatMap((name) => [`${name}4`, `${name}6`, `${name}_unix`]),
]);

kernelSuite('every attach point of a cgroup', (kernel) => {
  let file = '';
  beforeAll(() => {
    file = kernel.compile(source, { name: 'cgroup-types' });
  });

  const load = (program: string): Collection => loadFile(file, { programs: [program] });
  const types = cgroupTypes.filter(({ name }) => name !== 'lsm_cgroup');

  test('the table of actions has them all', () => {
    expect(types.map(({ label }) => label).sort()).toEqual(Object.keys(actions).sort());
  });

  test.each(types)('$label', async ({ label, name, attachType }) => {
    const collection = load(label);
    const runs = collection.variable<bigint>('runs');
    await inOwnNetwork(() =>
      inOwnCgroup(async (cgroup) => {
        const act = actions[label]!;
        expect(await act(), 'without a program').toBe(true);
        const link = collection.attach(label, 'cgroup', { path: cgroup });
        expect([link.describe(), linkDescription(link.info())]).toEqual([
          `cgroup ${label} on ${cgroup}`,
          `cgroup ${label} on /${path.basename(cgroup)}`,
        ]);
        const { id } = collection.program(label);
        expect(cgroupPrograms(cgroup, attachType)?.programIds).toEqual([id]);
        runs.set(0n);
        expect(await act(), 'with a program that allows it').toBe(true);
        expect(Number(runs.get())).toBeGreaterThan(0);
        if (!only.has(label)) {
          collection.variable('allowed').set(0);
          expect(await act(), 'with a program that refuses it').toBe(false);
        }
        link.close();
        expect(await act(), 'after the link is closed').toBe(true);
        expect(cgroupPrograms(cgroup, attachType)?.programIds).toEqual([]);
        expect(AttachType[name]).toBe(attachType);
      }),
    );
    collection.close();
  });

  test('the effective programs of a cgroup are its own and those above it', async () => {
    const egress = (name: string) =>
      tinyProgram({
        type: ProgramType.cgroup_skb,
        returns: 1,
        attachType: AttachType.cgroup_inet_egress,
        name,
      });
    const [above, own] = [egress('above'), egress('own')];
    await kernel.withCgroup((cgroup) => {
      const child = path.join(cgroup, 'child');
      mkdirSync(child);
      const links = [attachCgroup(above, { path: cgroup }), attachCgroup(own, { path: child })];
      const programs = (which?: 'own' | 'effective') =>
        cgroupPrograms(child, AttachType.cgroup_inet_egress, which)?.programIds;
      expect([programs(), programs('effective')]).toEqual([
        [own.id],
        expect.arrayContaining([own.id, above.id]),
      ]);
      for (const link of links) link.close();
      expect(programs('effective')).not.toContain(above.id);
      rmdirSync(child);
    });
    for (const program of [above, own]) program.close();
  });
});
