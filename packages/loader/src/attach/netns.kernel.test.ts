import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inOwnNetwork, sendToSelf } from '../../../../tools/features/surroundings';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { attachFlowDissector, attachNetfilter, attachSkLookup, linkDescription } from './index';

const skLookup = (returns: number) =>
  tinyProgram({ type: ProgramType.sk_lookup, attachType: AttachType.sk_lookup, returns });
const dissector = (returns: number) =>
  tinyProgram({ type: ProgramType.flow_dissector, attachType: AttachType.flow_dissector, returns });
const netfilter = (returns: number) =>
  tinyProgram({ type: ProgramType.netfilter, attachType: AttachType.netfilter, returns });

const SK_PASS = 1;
const NF_ACCEPT = 1;
const BPF_FLOW_DISSECTOR_CONTINUE = 129;

kernelSuite('attach to a network namespace', (kernel) => {
  let stats = -1;
  beforeAll(() => {
    stats = enableRunTimeStats();
  });
  afterAll(() => closeFd(stats));

  test('sk_lookup refuses datagrams, until an update lets them pass', async () => {
    const [drop, pass] = [skLookup(0), skLookup(SK_PASS)];
    await inOwnNetwork(async () => {
      const link = attachSkLookup(drop);
      expect([link.hook, link.describe()]).toEqual(['sk_lookup', 'sk_lookup on this network namespace']);
      expect(await sendToSelf()).toBe(false);
      expect(() => link.update(pass, pass)).toThrow(expect.objectContaining({ code: 'ATTACH_CONFLICT' }));
      link.update(pass, drop);
      expect(await sendToSelf()).toBe(true);
      link.update(drop);
      link.detach();
      expect(await sendToSelf()).toBe(true);
      expect(linkDescription(link.info())).toBe('sk_lookup on a network namespace that is gone');
      link.close();
    });
    for (const program of [drop, pass]) program.close();
  });

  test('a namespace by name, which the link knows again; and one that does not exist', async () => {
    const program = skLookup(SK_PASS);
    await kernel.withVeth((veth) => {
      const link = attachSkLookup(program, { netns: veth.farNetns });
      expect([link.describe(), linkDescription(link.info())]).toEqual([
        'sk_lookup on netns nx-bpf-far',
        'sk_lookup on netns nx-bpf-far',
      ]);
      veth.sendFromNear(3);
      expect(program.info().runCount).toBe(3n);
      link.close();
      expect(() => attachSkLookup(program, { netns: 'nx-bpf-fat' })).toThrow(
        "no network namespace 'nx-bpf-fat': found only nx-bpf-far; did you mean nx-bpf-far?",
      );
    });
    program.close();
  });

  test('flow_dissector runs where packets are spread over CPUs by their flow; one a namespace', async () => {
    const [first, second] = [dissector(BPF_FLOW_DISSECTOR_CONTINUE), dissector(BPF_FLOW_DISSECTOR_CONTINUE)];
    await kernel.withVeth(async (veth) => {
      const { farNetns: netns } = veth;
      const steering = `/sys/class/net/${veth.farInterface}/queues/rx-0/rps_cpus`;
      execFileSync('ip', ['netns', 'exec', netns, 'sh', '-c', `echo 1 > ${steering}`]);
      const link = attachFlowDissector(first, { netns });
      expect([link.hook, linkDescription(link.info())]).toEqual([
        'flow_dissector',
        'flow_dissector on netns nx-bpf-far',
      ]);
      await sendUnhashed(veth.farAddress);
      const seen = first.info().runCount;
      expect(seen).toBeGreaterThan(0n);
      expect(() => attachFlowDissector(second, { netns })).toThrow(
        expect.objectContaining({ code: 'ATTACH_CONFLICT' }),
      );
      link.update(second, first);
      await sendUnhashed(veth.farAddress);
      expect(first.info().runCount).toBe(seen);
      const seenBySecond = second.info().runCount;
      expect(seenBySecond).toBeGreaterThan(0n);
      link.close();
      await sendUnhashed(veth.farAddress);
      expect(second.info().runCount).toBe(seenBySecond);
    });
    for (const program of [first, second]) program.close();
  });

  test('netfilter drops what comes in, in the order of priorities', async () => {
    const [drop, accept] = [netfilter(0), netfilter(NF_ACCEPT)];
    await inOwnNetwork(async () => {
      const place = { family: 'ipv4', hook: 'local_in' } as const;
      const first = attachNetfilter(accept, { ...place, priority: -300, defrag: true });
      const link = attachNetfilter(drop, place);
      expect([link.hook, link.describe(), linkDescription(link.info())]).toEqual([
        'netfilter',
        'netfilter ipv4 local_in at priority 0',
        'netfilter ipv4 local_in at priority 0',
      ]);
      expect(first.info().target).toMatchObject({ kind: 'netfilter', priority: -300, flags: 1 });
      expect(await sendToSelf()).toBe(false);
      expect([accept.info().runCount, drop.info().runCount]).toEqual([1n, 1n]);
      expect(() => link.update(accept)).toThrow(/cannot be updated/);
      expect(() => attachNetfilter(accept, place)).toThrow(
        expect.objectContaining({
          code: 'ATTACH_CONFLICT',
          message: expect.stringContaining('a BPF program at this hook has the same priority'),
        }),
      );
      link.detach();
      expect(await sendToSelf()).toBe(true);
      link.close();
      first.close();
      expect(() => attachNetfilter(accept, { ...place, priority: -400, defrag: true })).toThrow(
        /ERANGE .*or one of -400 or below with defrag/,
      );
      expect(() => attachNetfilter(accept, { ...place, priority: 0x7fffffff })).toThrow(
        /ERANGE .*the kernel's own/,
      );
    });
    for (const program of [drop, accept]) program.close();
  });
});

/** A datagram of a socket that is not connected: connect(2) would have hashed its flow, and nobody dissects it then. */
async function sendUnhashed(address: string): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise((sent) => socket.send('nx-bpf', 9, address, sent));
  socket.close();
}
