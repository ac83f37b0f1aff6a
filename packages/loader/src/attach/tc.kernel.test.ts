import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite, type Veth } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { type Program } from '../runtime';
import { attachTc, TcFilter, tcFilters } from './index';

const TC_ACT_OK = 0;
const TC_ACT_SHOT = 2;
const TC_ACT_UNSPEC = -1;

const tc = (returns: number, name = 'tiny', attachType?: number) =>
  tinyProgram({
    type: ProgramType.sched_cls,
    returns,
    name,
    ...(attachType !== undefined && { attachType }),
  });
const runs = (program: Program) => Number(program.info().runCount);

/** What tc(8) sees of an interface. */
const qdiscs = ({ interface: name }: Veth): string =>
  execFileSync('tc', ['qdisc', 'show', 'dev', name], { encoding: 'utf8' });
const shown = ({ interface: name }: Veth, direction: string): string =>
  execFileSync('tc', ['filter', 'show', 'dev', name, direction], { encoding: 'utf8' });

kernelSuite('attach to traffic control without tcx', (kernel) => {
  let stats = -1;
  beforeAll(() => {
    stats = enableRunTimeStats();
  });
  afterAll(() => closeFd(stats));

  test('a filter drops packets, is replaced in place, and goes with its clsact', async () => {
    const [drop, pass] = [tc(TC_ACT_SHOT, 'drop'), tc(TC_ACT_OK, 'pass')];
    await kernel.withVeth((veth) => {
      const target = { interface: veth.interface, direction: 'ingress' } as const;
      const filter = attachTc(drop, { ...target, priority: 10, handle: 1 });
      expect([filter.hook, filter.describe()]).toEqual([
        'tc',
        'tc ingress on nxb-near at priority 10, handle 1',
      ]);
      expect(shown(veth, 'ingress')).toMatch(/pref 10 bpf .*handle 0x1 drop direct-action .*id \d+/);
      expect(filter.info()).toEqual({
        ifindex: veth.ifindex,
        parent: 0xfffffff2,
        priority: 10,
        handle: 1,
        programId: drop.id,
        name: 'drop',
        tag: drop.tag,
        directAction: true,
      });
      veth.sendFromFar(3);
      expect(runs(drop)).toBe(3);
      expect(() => filter.update(pass, pass)).toThrow(
        expect.objectContaining({
          code: 'ATTACH_CONFLICT',
          message: expect.stringContaining(`found program ${drop.id}, expected program ${pass.id}`),
        }),
      );
      filter.update(pass, drop);
      expect(tcFilters(target, 'ingress')).toEqual([filter.info()]);
      expect(filter.info().programId).toBe(pass.id);
      veth.sendFromFar(2);
      expect([runs(drop), runs(pass)]).toEqual([3, 2]);
      filter.detach();
      expect(qdiscs(veth)).not.toContain('clsact');
      veth.sendFromFar(1);
      expect(runs(pass)).toBe(2);
      filter.close();
    });
    for (const program of [drop, pass]) program.close();
  });

  test('filters run by priority; the kernel chooses what is left out; a clsact in use stays', async () => {
    const [first, second, third] = [
      tc(TC_ACT_UNSPEC, 'first'),
      tc(TC_ACT_OK, 'second', AttachType.tcx_egress),
      tc(TC_ACT_OK, 'third'),
    ];
    await kernel.withVeth((veth) => {
      const target = { interface: veth.interface, direction: 'egress' } as const;
      const chosen = attachTc(third, target);
      expect([chosen.priority, chosen.handle]).toEqual([0xc000, 1]);
      const links = [
        chosen,
        // Its direction is that of its section.
        attachTc(second, { interface: veth.interface, priority: 7 }),
        attachTc(first, { ...target, priority: 3 }),
      ];
      expect(tcFilters(target, 'egress').map(({ programId }) => programId)).toEqual([
        first.id,
        second.id,
        third.id,
      ]);
      veth.sendFromNear(2);
      expect([runs(first), runs(second), runs(third)]).toEqual([2, 2, 0]);
      chosen.close();
      expect(qdiscs(veth)).toContain('clsact');
      for (const link of links) link.close();
      expect(tcFilters(target, 'egress')).toEqual([]);
      // The first one made it, and was not the last to go: nobody takes it away.
      expect(qdiscs(veth)).toContain('clsact');
    });
    for (const program of [first, second, third]) program.close();
  });

  test('a clsact that was there stays, and filters of others are told', async () => {
    const [program, next] = [tc(TC_ACT_OK, 'mine'), tc(TC_ACT_OK, 'next')];
    await kernel.withVeth((veth) => {
      const target = { interface: veth.interface, direction: 'ingress' } as const;
      execFileSync('tc', ['qdisc', 'add', 'dev', veth.interface, 'clsact']);
      const u32 = `filter add dev ${veth.interface} ingress pref 5 protocol all u32 match u32 0 0`;
      execFileSync('tc', u32.split(' '));
      expect(() => attachTc(program, { ...target, priority: 5 })).toThrow(
        /EINVAL \(Invalid argument\); the kernel says: Specified filter kind does not match existing one; .*another kind has this priority/,
      );
      const filter = attachTc(program, { ...target, priority: 6, handle: 9 });
      expect(() => attachTc(next, { ...target, priority: 6, handle: 9 })).toThrow(
        expect.objectContaining({
          code: 'ATTACH_CONFLICT',
          message: expect.stringContaining('there is a filter of this priority and handle'),
        }),
      );
      filter.release();
      filter.close();
      const opened = TcFilter.open({ ...target, priority: 6, handle: 9 });
      expect(opened.info().programId).toBe(program.id);
      execFileSync('tc', `filter del dev ${veth.interface} ingress pref 6`.split(' '));
      expect(() => opened.info()).toThrow('the filter is gone; somebody else removed it');
      expect(() => opened.update(next)).toThrow(/update: ENOENT .*the filter is not there/);
      expect(() => opened.detach()).toThrow(/detach: ENOENT/);
      expect(() => TcFilter.open({ ...target, priority: 6, handle: 9 })).toThrow(
        'no filter of priority 6 and handle 9 runs a program',
      );
      expect(qdiscs(veth)).toContain('clsact');
    });
    for (const each of [program, next]) each.close();
  });

  test('an interface in another namespace; one that goes; an ingress in the place of the clsact', async () => {
    const [program, other] = [tc(TC_ACT_OK), tc(TC_ACT_OK)];
    await kernel.withVeth((veth) => {
      const far = { interface: veth.farInterface, netns: veth.farNetns, direction: 'ingress' } as const;
      const filter = attachTc(program, far);
      expect(filter.describe()).toBe('tc ingress on nxb-far in netns nx-bpf-far at priority 49152, handle 1');
      veth.sendFromNear(2);
      expect(runs(program)).toBe(2);
      execFileSync('tc', ['qdisc', 'add', 'dev', veth.interface, 'ingress']);
      const near = { interface: veth.interface } as const;
      expect(() => attachTc(program, { ...near, direction: 'egress' })).toThrow(
        expect.objectContaining({
          code: 'ATTACH_CONFLICT',
          message: expect.stringContaining('it has no egress'),
        }),
      );
      const ingress = attachTc(other, { ...near, direction: 'ingress' });
      veth.sendFromFar(3);
      expect(runs(other)).toBe(3);
      execFileSync('ip', ['link', 'del', veth.interface]);
      expect(() => filter.info()).toThrow(expect.objectContaining({ code: 'INTERFACE_NOT_FOUND' }));
      filter.close();
      ingress.close();
    });
    for (const each of [program, other]) each.close();
  });

  test('what cannot be is said before the kernel is asked', () => {
    const [program, other] = [tc(TC_ACT_OK), tinyProgram({ type: ProgramType.xdp, returns: 2 })];
    expect(() => attachTc(program, { interface: 'lo' })).toThrow("give direction 'ingress' or 'egress'");
    expect(() => attachTc(program, { interface: 'lo', direction: 'egress', priority: 65536 })).toThrow(
      'found priority 65536, handle 0, expected a priority of 1 to 65535',
    );
    expect(() => attachTc(other, { interface: 'lo', direction: 'egress' })).toThrow(
      'found a program of type xdp, expected sched_cls',
    );
    expect(tcFilters({ interface: 'lo' }, 'ingress')).toEqual([]);
    const filter = new TcFilter(
      { ifindex: 1, parent: 0xfffffff2, priority: 1, handle: 1, directAction: true },
      { interface: 'lo' },
      'ingress',
    );
    expect(() => filter.pin('/sys/fs/bpf/filter')).toThrow(
      expect.objectContaining({ code: 'PIN_FAILED', message: expect.stringContaining('TcFilter.open()') }),
    );
    for (const each of [program, other]) each.close();
  });
});
