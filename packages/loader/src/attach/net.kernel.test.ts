import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { type Program } from '../runtime';
import { attachNetkit, attachTcx, attachXdp, inNetns, Link, linkDescription } from './index';

const XDP_DROP = 1;
const XDP_PASS = 2;
const TC_SHOT = 2;

const xdp = (returns: number, name = 'tiny') => tinyProgram({ type: ProgramType.xdp, returns, name });
const tc = (returns: number) =>
  tinyProgram({ type: ProgramType.sched_cls, returns, attachType: AttachType.tcx_ingress });
const runs = (program: Program) => Number(program.info().runCount);

/** Datagrams that reached the stack of a network namespace: nobody listens on the discard port. */
function delivered(netns?: string): number {
  const file = '/proc/thread-self/net/snmp';
  const text =
    netns === undefined
      ? readFileSync(file, 'utf8')
      : execFileSync('ip', ['netns', 'exec', netns, 'cat', file], { encoding: 'utf8' });
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  return Number(values?.[names?.indexOf('NoPorts') ?? -1]);
}

kernelSuite('attach to a network interface', (kernel) => {
  let stats = -1;
  beforeAll(() => {
    stats = enableRunTimeStats();
  });
  afterAll(() => closeFd(stats));

  test('xdp drops and passes real packets, and an update loses none', async () => {
    const drop = xdp(XDP_DROP, 'drop');
    const pass = xdp(XDP_PASS, 'pass');
    await kernel.withVeth((veth) => {
      veth.sendFromFar(2);
      expect(delivered()).toBe(2);
      const link = attachXdp(drop, { interface: veth.interface });
      veth.sendFromFar(3);
      expect([delivered(), runs(drop)]).toEqual([2, 3]);
      link.update(pass, drop);
      expect(link.info().programId).toBe(pass.id);
      veth.sendFromFar(4);
      expect([delivered(), runs(drop), runs(pass)]).toEqual([6, 3, 4]);
      link.close();
      veth.sendFromFar(1);
      expect([delivered(), runs(pass)]).toEqual([7, 4]);
    });
    drop.close();
    pass.close();
  });

  test('an update that expects another program changes nothing', async () => {
    const [first, second, third] = [xdp(XDP_PASS), xdp(XDP_PASS), xdp(XDP_PASS, 'third')];
    await kernel.withVeth((veth) => {
      const link = attachXdp(first, { interface: veth.interface });
      expect(() => link.update(third, second)).toThrow(
        expect.objectContaining({
          code: 'ATTACH_CONFLICT',
          message: expect.stringMatching(
            /^link \d+ \(xdp on nxb-near \(native\)\): update to program 'third': EPERM .*another program than the expected/,
          ),
        }),
      );
      expect(link.info().programId).toBe(first.id);
      link.close();
    });
    for (const program of [first, second, third]) program.close();
  });

  test('xdp auto becomes native where the driver can, generic where not, and says which', async () => {
    const program = xdp(XDP_PASS);
    await kernel.withVeth((veth) => {
      const native = attachXdp(program, { interface: veth.interface, mode: 'auto' });
      expect([native.mode, native.describe()]).toEqual(['native', 'xdp on nxb-near (native)']);
      expect(linkDescription(native.info())).toBe('xdp on nxb-near (native)');
      native.close();
      const generic = attachXdp(program, { interface: 'lo' });
      expect([generic.mode, linkDescription(generic.info())]).toEqual(['generic', 'xdp on lo (generic)']);
      generic.close();
      expect(() => attachXdp(program, { interface: 'lo', mode: 'native' })).toThrow(
        expect.objectContaining({
          code: 'ATTACH_FAILED',
          message: expect.stringMatching(/xdp on lo \(native\): EOPNOTSUPP .*use mode generic or auto/),
        }),
      );
    });
    program.close();
  });

  test('a second xdp program is told who is there', async () => {
    const [first, second] = [xdp(XDP_PASS, 'first'), xdp(XDP_PASS, 'second')];
    await kernel.withVeth((veth) => {
      const link = attachXdp(first, { interface: veth.interface });
      for (const mode of ['auto', 'generic'] as const) {
        expect(() => attachXdp(second, { interface: veth.interface, mode })).toThrow(
          expect.objectContaining({
            code: 'ATTACH_CONFLICT',
            message: expect.stringContaining(
              `found program ${first.id} 'first' (native, held by link ${link.id})`,
            ),
          }),
        );
      }
      link.close();
      execFileSync('bpftool', ['net', 'attach', 'xdpgeneric', 'id', String(first.id), 'dev', veth.interface]);
      expect(() => attachXdp(second, { interface: veth.interface })).toThrow(
        `program ${first.id} 'first' (generic, no link holds it: \`ip link set dev nxb-near xdp off\` removes it)`,
      );
      execFileSync('ip', ['link', 'set', 'dev', veth.interface, 'xdpgeneric', 'off']);
    });
    first.close();
    second.close();
  });

  test('tcx sees each direction, in the order asked for', async () => {
    const [ingress, egress, front] = [tc(0), tc(TC_SHOT), tc(TC_SHOT)];
    await kernel.withVeth((veth) => {
      const incoming = attachTcx(ingress, { interface: veth.interface });
      const outgoing = attachTcx(egress, { interface: veth.interface, direction: 'egress' });
      expect([incoming.describe(), linkDescription(outgoing.info())]).toEqual([
        'tcx ingress on nxb-near',
        'tcx egress on nxb-near',
      ]);
      const before = delivered(veth.farNetns);
      veth.sendFromNear(2);
      expect([runs(ingress), runs(egress), delivered(veth.farNetns) - before]).toEqual([0, 2, 0]);
      outgoing.close();
      veth.sendFromNear(2);
      expect(delivered(veth.farNetns) - before).toBe(2);
      const seen = runs(ingress);
      const first = attachTcx(front, { interface: veth.interface, order: 'first' });
      veth.sendFromFar(3);
      expect([runs(front), runs(ingress) - seen]).toEqual([3, 0]);
      expect(() => first.update(ingress, front)).toThrow(/EEXIST .*through another link/);
      first.update(egress, front);
      veth.sendFromFar(1);
      expect(runs(egress)).toBe(3);
      for (const link of [incoming, first]) link.close();
    });
    for (const program of [ingress, egress, front]) program.close();
  });

  test('an interface in another network namespace, by name and by path; the thread comes back', async () => {
    const program = xdp(XDP_PASS);
    await kernel.withVeth((veth) => {
      const here = readFileSync('/proc/thread-self/net/dev', 'utf8');
      const target = { interface: veth.farInterface, netns: veth.farNetns };
      const link = attachXdp(program, target);
      expect(link.describe()).toBe('xdp on nxb-far in netns nx-bpf-far (native)');
      veth.sendFromNear(2);
      expect(runs(program)).toBe(2);
      link.close();
      attachXdp(program, { ...target, netns: `/run/netns/${veth.farNetns}` }).close();
      expect(() =>
        inNetns(veth.farNetns, () => {
          throw new Error('inside');
        }),
      ).toThrow('inside');
      expect(names(readFileSync('/proc/thread-self/net/dev', 'utf8'))).toEqual(names(here));
      expect(() => attachXdp(program, { interface: 'nxb-far' })).toThrow(
        "no network interface 'nxb-far': found only lo, nxb-near",
      );
      expect(() => attachXdp(program, { ...target, netns: 'nx-bpf-fat' })).toThrow(
        "no network namespace 'nx-bpf-fat': found only nx-bpf-far; did you mean nx-bpf-far?",
      );
    });
    program.close();
  });

  test('a pinned link outlives its fd, is opened as itself, and is severed with its device', async () => {
    const program = xdp(XDP_PASS);
    const pin = path.join(kernel.bpffs, 'guard');
    await kernel.withVeth((veth) => {
      const link = attachXdp(program, { interface: veth.interface });
      link.pin(pin);
      expect(() => link.pin(pin)).toThrow(expect.objectContaining({ code: 'PIN_EXISTS' }));
      expect(() => link.pin(path.join(kernel.bpffs, 'a.b'))).toThrow("call it 'a_b'");
      link.close();
      const opened = Link.open(pin);
      expect([opened.id, opened.hook, opened.describe()]).toEqual([
        link.id,
        'xdp',
        'xdp on nxb-near (native)',
      ]);
      const byId = Link.byId(opened.id);
      expect(byId?.info().programId).toBe(program.id);
      byId?.close();
      veth.sendFromFar(2);
      expect(runs(program)).toBe(2);
      execFileSync('ip', ['link', 'del', veth.interface]);
      expect(opened.describe()).toBe('xdp on a device that is gone');
      expect(() => opened.update(program)).toThrow(/ENOLINK|what the link was on is gone/);
      opened.close();
    });
    execFileSync('rm', [pin]);
    expect(() => Link.open(pin)).toThrow(expect.objectContaining({ code: 'PIN_NOT_FOUND' }));
    program.pin(pin);
    expect(() => Link.open(pin)).toThrow('does not hold a link: found a program, expected a link');
    execFileSync('rm', [pin]);
    program.close();
  });

  test('netkit is refused to an interface that is none, and without an end', () => {
    const program = tc(0);
    expect(() => attachNetkit(program, { interface: 'lo', end: 'primary' })).toThrow(
      expect.objectContaining({
        code: 'ATTACH_FAILED',
        message: expect.stringContaining('the interface is no netkit device'),
      }),
    );
    expect(() => attachNetkit(program, { interface: 'lo' })).toThrow("give end 'primary' or 'peer'");
    program.close();
  });

  test('a program of another type is refused before the kernel is asked', () => {
    const program = tinyProgram({ type: ProgramType.tracepoint, name: 'watch' });
    expect(() => attachXdp(program, { interface: 'lo' })).toThrow(
      "program 'watch' cannot be attached to xdp: found a program of type tracepoint, expected xdp",
    );
    program.close();
  });
});

function names(table: string): string[] {
  return [...table.matchAll(/^\s*([\w-]+):/gm)].map((match) => match[1]!);
}
