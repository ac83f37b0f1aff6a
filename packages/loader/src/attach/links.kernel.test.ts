import { rmSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { AttachType, ProgramType } from '../object';
import { attachTcx, attachTpBtf, attachXdp, Link, listLinks } from './index';

const xdp = () => tinyProgram({ type: ProgramType.xdp, returns: 2 });
const tcx = () =>
  tinyProgram({ type: ProgramType.sched_cls, returns: -1, attachType: AttachType.tcx_ingress });

kernelSuite('the links of the system', (kernel) => {
  test('are listed with hook and place, by hook, program and interface; opened by id and by pin', async () => {
    const [first, second] = [xdp(), tcx()];
    await kernel.withVeth((veth) => {
      const links = [
        attachXdp(first, { interface: veth.interface }),
        attachTcx(second, { interface: veth.interface }),
        attachTcx(second, { interface: veth.interface, direction: 'egress' }),
      ] as const;
      const ids = links.map(({ id }) => id);
      expect(listLinks({ ifindex: veth.ifindex }).map(({ id, hook, where }) => [id, hook, where])).toEqual([
        [ids[0], 'xdp', 'xdp on nxb-near (native)'],
        [ids[1], 'tcx', 'tcx ingress on nxb-near'],
        [ids[2], 'tcx', 'tcx egress on nxb-near'],
      ]);
      expect(listLinks({ programId: second.id, hook: 'tcx' }).map(({ id }) => id)).toEqual(ids.slice(1));
      expect(listLinks({ programId: second.id, hook: ['xdp', 'cgroup'] })).toEqual([]);
      const egress = listLinks({
        ifindex: veth.ifindex,
        where: ({ target }) => target.kind === 'tcx' && target.attach_type === AttachType.tcx_egress,
      });
      expect(egress.map(({ id }) => id)).toEqual([ids[2]]);
      const byId = Link.byId(ids[1]!)!;
      expect([byId.hook, byId.info().programId]).toEqual(['tcx', second.id]);
      const pin = path.join(kernel.bpffs, 'ingress');
      byId.pin(pin);
      const opened = Link.open(pin);
      expect(opened.id).toBe(ids[1]);
      for (const link of [...links, byId, opened]) link.close();
      expect(listLinks({ ifindex: veth.ifindex }).map(({ id }) => id)).toEqual([ids[1]]);
      rmSync(pin);
      expect(Link.byId(ids[0]!)).toBeUndefined();
    });
    for (const program of [first, second]) program.close();
  });

  test('a link is closed where its block of using ends', async () => {
    const program = xdp();
    await kernel.withVeth((veth) => {
      const link = attachXdp(program, { interface: veth.interface });
      link[Symbol.dispose]();
      expect(() => link.fd).toThrow('used after it was closed');
      attachXdp(program, { interface: veth.interface }).close();
    });
    program.close();
  });

  test('what links of a tracepoint cannot do is said', () => {
    const program = tinyProgram({
      type: ProgramType.tracing,
      attachType: AttachType.trace_raw_tp,
      tracepoint: 'sched_process_exec',
    });
    const link = attachTpBtf(program);
    expect(() => link.update(program)).toThrow(
      expect.objectContaining({
        code: 'ATTACH_FAILED',
        message: expect.stringMatching(
          /update to program 'tiny': EINVAL .*links of this kind cannot be updated/,
        ),
      }),
    );
    expect(() => link.detach()).toThrow(
      expect.objectContaining({
        code: 'ATTACH_FAILED',
        message: expect.stringMatching(/detach: EOPNOTSUPP .*detach when they are closed/),
      }),
    );
    const pin = path.join(kernel.bpffs, 'exec');
    link.pin(pin);
    link.close();
    rmSync(pin);
    program.close();
  });
});
