import { execFileSync, execSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite, type Veth } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats } from '../kernel';
import { ProgramType, type ProgramTypeName } from '../object';
import { type Program } from '../runtime';
import { attachLwt } from './index';

const BPF_OK = 0;
const BPF_DROP = 2;

const lwt = (type: ProgramTypeName, returns: number, name = 'tiny') =>
  tinyProgram({ type: ProgramType[type], returns, name });
const runs = (program: Program) => Number(program.info().runCount);

/** Sends datagrams to an address, as those of `Veth` do. */
function send(address: string, count: number, netns?: string): void {
  const script = `for ((i = 0; i < ${count}; i++)); do echo x > /dev/udp/${address}/9; done 2>/dev/null; true`;
  const inside = netns === undefined ? [] : ['ip', 'netns', 'exec', netns];
  const [command, ...argv] = [...inside, 'bash', '-c', script];
  execFileSync(command!, argv, { stdio: 'ignore' });
}

/** How many datagrams reached the stack of the far end, where nobody listens. */
function arrived({ farNetns }: Veth): number {
  const text = execFileSync('ip', ['netns', 'exec', farNetns, 'cat', '/proc/net/snmp'], { encoding: 'utf8' });
  const [names, values] = text.split('\n').filter((line) => line.startsWith('Udp:'));
  return Number(values!.split(' ')[names!.split(' ').indexOf('NoPorts')]);
}

/** Packets that this network namespace passed on, of IPv4 and of IPv6. */
function forwarded(): number {
  const [names, values] = readFileSync('/proc/thread-self/net/snmp', 'utf8').split('\n');
  return Number(values!.split(' ')[names!.split(' ').indexOf('ForwDatagrams')]);
}
function forwarded6(): number {
  const text = readFileSync('/proc/thread-self/net/snmp6', 'utf8');
  return Number(/Ip6OutForwDatagrams\s+(\d+)/.exec(text)![1]);
}

kernelSuite('attach to a route', (kernel) => {
  let stats = -1;
  beforeAll(() => {
    stats = enableRunTimeStats();
  });
  afterAll(() => closeFd(stats));

  test.each(['lwt_out', 'lwt_xmit'] as const)(
    '%s drops what a route sends, until an update',
    async (type) => {
      const [drop, pass] = [lwt(type, BPF_DROP, 'drop'), lwt(type, BPF_OK, 'pass')];
      await kernel.withVeth((veth) => {
        execSync(`ip -n ${veth.farNetns} address add 10.50.0.1/32 dev lo`);
        const route = attachLwt(drop, {
          interface: veth.interface,
          destination: '10.50.0.0/16',
          via: veth.farAddress,
          metric: 5,
        });
        const place = type.replace('lwt_', '');
        expect([route.hook, route.describe(), route.programId()]).toEqual([
          'lwt',
          `lwt ${place} of 10.50.0.0/16 on nxb-near`,
          drop.id,
        ]);
        expect(execSync('ip route show 10.50.0.0/16', { encoding: 'utf8' })).toMatch(
          new RegExp(`encap bpf ${place} drop\\[${drop.id}\\] via 10.99.0.2 dev nxb-near .*metric 5`),
        );
        send('10.50.0.1', 3);
        expect([runs(drop), arrived(veth)]).toEqual([3, 0]);
        expect(() => route.update(pass, pass)).toThrow(
          expect.objectContaining({
            code: 'ATTACH_CONFLICT',
            message: expect.stringContaining(`found program ${drop.id}, expected program ${pass.id}`),
          }),
        );
        route.update(pass, drop);
        expect(route.programId()).toBe(pass.id);
        send('10.50.0.1', 2);
        expect([runs(drop), runs(pass), arrived(veth)]).toEqual([3, 2, 2]);
        route.detach();
        expect(route.programId()).toBeUndefined();
        expect(() => route.detach()).toThrow(/detach: ESRCH .*the route is not there/);
        expect(() => route.update(pass)).toThrow(/ENOENT .*the route is not there/);
      });
      for (const program of [drop, pass]) program.close();
    },
  );

  test('lwt_in drops what a route would pass on', async () => {
    // Two programs of one name: the kernel would take them for the same.
    const [drop, pass] = [lwt('lwt_in', BPF_DROP), lwt('lwt_in', BPF_OK)];
    await kernel.withVeth((veth) => {
      writeFileSync('/proc/sys/net/ipv4/ip_forward', '1');
      execSync(`ip -n ${veth.farNetns} route add 10.60.0.0/16 via ${veth.nearAddress}`);
      execSync('ip link add beyond type veth peer name sink && ip link set sink up && ip link set beyond up');
      execSync('ip address add 10.98.0.1/24 dev beyond');
      execSync('ip neigh replace 10.98.0.2 lladdr 02:00:00:00:00:03 nud permanent dev beyond');
      const route = attachLwt(drop, { interface: 'beyond', destination: '10.60.0.0/16', via: '10.98.0.2' });
      send('10.60.0.1', 3, veth.farNetns);
      expect([runs(drop), forwarded()]).toEqual([3, 0]);
      route.update(pass);
      send('10.60.0.1', 2, veth.farNetns);
      expect([runs(pass), forwarded()]).toEqual([2, 2]);
      route.close();
      route.close();
      execSync('ip link del beyond');
    });
    for (const program of [drop, pass]) program.close();
  });

  test('lwt_seg6local decides about the packets of a segment', async () => {
    const [drop, pass] = [lwt('lwt_seg6local', BPF_DROP), lwt('lwt_seg6local', BPF_OK)];
    await kernel.withVeth((veth) => {
      const far = `ip -n ${veth.farNetns}`;
      writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1');
      execSync(`ip address add fd01::1/64 dev ${veth.interface} nodad`);
      execSync(`${far} address add fd01::2/64 dev ${veth.farInterface} nodad`);
      // What goes to fd02::1 is sent through the segments fd03::1, which is here, and fd04::1, beyond.
      execSync(`${far} route add fd03::/64 via fd01::1`);
      execSync(
        `${far} route add fd02::1/128 encap seg6 mode encap segs fd03::1,fd04::1 dev ${veth.farInterface}`,
      );
      execSync('ip route add fd04::/64 via fd01::2');
      const route = attachLwt(drop, { interface: veth.interface, destination: 'fd03::1' });
      expect([route.describe(), route.programId()]).toEqual([
        'lwt seg6local of fd03::1 on nxb-near',
        drop.id,
      ]);
      send('fd02::1', 3, veth.farNetns);
      expect([runs(drop), forwarded6()]).toEqual([3, 0]);
      route.update(pass);
      send('fd02::1', 2, veth.farNetns);
      expect([runs(drop), runs(pass)]).toEqual([3, 2]);
      route.close();
      send('fd02::1', 2, veth.farNetns);
      expect(runs(pass)).toBe(2);
    });
    for (const program of [drop, pass]) program.close();
  });

  test('another namespace and table; what there is already, and what cannot be', async () => {
    const [program, other] = [lwt('lwt_out', BPF_OK), lwt('lwt_in', BPF_OK)];
    await kernel.withVeth((veth) => {
      const there = {
        interface: veth.farInterface,
        netns: veth.farNetns,
        destination: '10.70.0.0/16',
        table: 77,
      };
      const route = attachLwt(program, there);
      expect(execSync(`ip -n ${veth.farNetns} route show table 77`, { encoding: 'utf8' })).toContain(
        `10.70.0.0/16  encap bpf out tiny[${program.id}] dev nxb-far`,
      );
      expect(() => attachLwt(program, there)).toThrow(
        expect.objectContaining({ code: 'ATTACH_CONFLICT', message: expect.stringMatching(/EEXIST/) }),
      );
      expect(() => route.update(other)).toThrow(
        'cannot be attached to lwt out: found a program of type lwt_in, expected lwt_out',
      );
      expect(() => route.pin('/sys/fs/bpf/route')).toThrow(
        expect.objectContaining({ code: 'PIN_FAILED', message: expect.stringContaining('release() it') }),
      );
      const gateway = { ...there, destination: '10.80.0.0/16', via: '10.1.2.3' };
      expect(() => attachLwt(program, gateway)).toThrow(
        /ENETUNREACH .*the kernel says: Nexthop has invalid gateway; the gateway is not in a network/,
      );
      expect(() => attachLwt(program, { ...there, destination: '10.1/16' })).toThrow(
        "'10.1/16' is no network: expected one such as 10.1.0.0/16",
      );
      expect(() => attachLwt(program, { ...gateway, via: 'far' })).toThrow(
        "'far' is no address of a gateway",
      );
      route.release();
      route.close();
      expect(route.programId()).toBe(program.id);
      execSync(`ip link del ${veth.interface}`);
      expect(() => route.detach()).toThrow(expect.objectContaining({ code: 'INTERFACE_NOT_FOUND' }));
      route.close();
    });
    for (const each of [program, other]) each.close();
  });
});
