import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { AttachType, ProgramType } from '../object';
import { attachCgroup, attachTcx, cgroupPrograms, tcxPrograms } from './index';

const TCX_NEXT = -1;

const tc = (name: string) =>
  tinyProgram({
    type: ProgramType.sched_cls,
    returns: TCX_NEXT,
    attachType: AttachType.tcx_ingress,
    name,
  });

kernelSuite('attach beside other programs', (kernel) => {
  test('tcx: before and behind a link, by itself and by its id; the revision is that of the last look', async () => {
    const [middle, before, after, front] = [tc('middle'), tc('before'), tc('after'), tc('front')];
    await kernel.withVeth((veth) => {
      const target = { interface: veth.interface };
      const anchor = attachTcx(middle, target);
      const links = [anchor, attachTcx(after, { ...target, after: { linkId: anchor.id } })];
      links.push(attachTcx(before, { ...target, before: anchor }));
      const seen = tcxPrograms(target, 'ingress');
      expect(seen?.programIds).toEqual([before.id, middle.id, after.id]);
      links.push(attachTcx(front, { ...target, order: 'first', revision: seen?.revision }));
      expect(tcxPrograms(target, 'ingress')?.programIds).toEqual([front.id, before.id, middle.id, after.id]);
      links.pop()?.close();
      expect(() => attachTcx(front, { ...target, revision: seen?.revision })).toThrow(
        expect.objectContaining({
          code: 'ATTACH_CONFLICT',
          message: expect.stringMatching(/ESTALE .*look again/),
        }),
      );
      expect(() => attachTcx(front, { ...target, direction: 'egress', before: anchor })).toThrow(
        /ENOENT .*not at this attach point/,
      );
      expect(() => attachTcx(front, { ...target, order: 'last', before: anchor })).toThrow(
        'at most one of order, before and after',
      );
      for (const link of links) link.close();
    });
    for (const program of [middle, before, after, front]) program.close();
  });

  test('cgroup: before and behind a link', async () => {
    const egress = (name: string) =>
      tinyProgram({
        type: ProgramType.cgroup_skb,
        returns: 1,
        attachType: AttachType.cgroup_inet_egress,
        name,
      });
    const [second, first, third] = [egress('second'), egress('first'), egress('third')];
    await kernel.withCgroup((path) => {
      const anchor = attachCgroup(second, { path });
      const links = [anchor, attachCgroup(first, { path, before: anchor })];
      links.push(attachCgroup(third, { path, after: { linkId: anchor.id } }));
      expect(cgroupPrograms(path, AttachType.cgroup_inet_egress)?.programIds).toEqual([
        first.id,
        second.id,
        third.id,
      ]);
      for (const link of links) link.close();
    });
    for (const program of [second, first, third]) program.close();
  });
});
