import { execFileSync, execSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite, type Veth } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { closeFd, enableRunTimeStats, interfaceIndex } from '../kernel';
import { ProgramType } from '../object';
import { loadFile, type Collection, type Program } from '../runtime';
import { attachXdp, linkDescription } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP); __uint(max_entries, 1);
  __type(key, __u32); __type(value, struct bpf_devmap_val);
} ports SEC(".maps");
struct {
  __uint(type, BPF_MAP_TYPE_CPUMAP); __uint(max_entries, 1);
  __type(key, __u32); __type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");
volatile unsigned int verdict = XDP_PASS;
unsigned int longest = 0, linear = 0;
SEC("xdp") int to_port(struct xdp_md *ctx) { return bpf_redirect_map(&ports, 0, 0); }
SEC("xdp") int to_cpu(struct xdp_md *ctx) { return bpf_redirect_map(&cpus, 0, 0); }
SEC("xdp/devmap") int on_port(struct xdp_md *ctx) { return verdict; }
SEC("xdp/cpumap") int on_cpu(struct xdp_md *ctx) { return verdict; }
SEC("xdp.frags") int whole(struct xdp_md *ctx) {
  unsigned int length = bpf_xdp_get_buff_len(ctx);
  if (length > longest) { longest = length; linear = ctx->data_end - ctx->data; }
  return XDP_PASS;
}
char LICENSE[] SEC("license") = "GPL";
`;

const XDP_DROP = 1;
const XDP_PASS = 2;

const pair = (first: number, second: number) => new Uint8Array(Uint32Array.of(first, second).buffer);
const runs = (program: Program) => Number(program.info().runCount);
const key = new Uint8Array(4);

/**
 * Packets that IP handed on in this network namespace. UDP would not count them: veth leaves checksums to the receiver,
 * and a frame that was redirected has lost the word of it.
 */
function delivered(): number {
  const lines = execSync('cat /proc/net/snmp', { encoding: 'utf8' }).split('\n');
  const [names, values] = lines.filter((line) => line.startsWith('Ip:'));
  return Number(values!.split(' ')[names!.split(' ').indexOf('InDelivers')]);
}

kernelSuite('xdp programs in maps, and packets in fragments', (kernel) => {
  let stats = -1;
  let file = '';
  beforeAll(() => {
    stats = enableRunTimeStats();
    file = kernel.compile(source, { name: 'redirect' });
  });
  afterAll(() => closeFd(stats));

  async function loaded(use: (collection: Collection, veth: Veth) => void | Promise<void>): Promise<void> {
    const collection = loadFile(file);
    await kernel.withVeth((veth) => use(collection, veth));
    collection.close();
  }

  test('a program in a devmap drops and passes what leaves through its device', async () => {
    const sink = tinyProgram({ type: ProgramType.xdp, returns: XDP_DROP, name: 'sink' });
    await loaded(async (collection, veth) => {
      execSync('ip link add beyond type veth peer name sink && ip link set sink up && ip link set beyond up');
      // veth takes redirected frames only when its other end has a program, too.
      const end = attachXdp(sink, { interface: 'sink', mode: 'native' });
      const [redirect, inMap] = [collection.program('to_port'), collection.program('on_port')];
      collection.map('ports').raw.update(key, pair(interfaceIndex('beyond'), inMap.fd));
      const link = attachXdp(redirect, { interface: veth.interface, mode: 'native' });
      // The new devices send router solicitations and the like to themselves.
      const before = runs(sink);
      veth.sendFromFar(3);
      await expect.poll(() => [runs(redirect), runs(inMap), runs(sink) - before]).toEqual([3, 3, 3]);
      collection.variable('verdict').set(XDP_DROP);
      veth.sendFromFar(2);
      await expect.poll(() => [runs(redirect), runs(inMap), runs(sink) - before]).toEqual([5, 5, 3]);
      expect(delivered()).toBe(0);
      link.close();
      end.close();
      execSync('ip link del beyond');
    });
    sink.close();
  });

  test('a program in a cpumap decides on the other processor', async () => {
    await loaded(async (collection, veth) => {
      const [redirect, inMap] = [collection.program('to_cpu'), collection.program('on_cpu')];
      collection.map('cpus').raw.update(key, pair(192, inMap.fd));
      const link = attachXdp(redirect, { interface: veth.interface });
      veth.sendFromFar(3);
      await expect.poll(() => [runs(redirect), runs(inMap), delivered()]).toEqual([3, 3, 3]);
      collection.variable('verdict').set(XDP_DROP);
      veth.sendFromFar(2);
      await expect.poll(() => [runs(redirect), runs(inMap), delivered()]).toEqual([5, 5, 3]);
      link.close();
    });
  });

  test('programs for maps are refused to an interface', async () => {
    await loaded((collection, veth) => {
      for (const name of ['on_port', 'on_cpu']) {
        expect(() => attachXdp(collection.program(name), { interface: veth.interface })).toThrow(
          expect.objectContaining({
            code: 'ATTACH_FAILED',
            message: expect.stringContaining('the program was loaded for a devmap or cpumap'),
          }),
        );
      }
    });
  });

  test('large packets: a program with frags sees them whole, one without is refused or becomes generic', async () => {
    const plain = tinyProgram({ type: ProgramType.xdp, returns: XDP_PASS, name: 'plain' });
    await loaded(async (collection, veth) => {
      execSync(
        `ip link set ${veth.interface} mtu 9000 && ip -n ${veth.farNetns} link set ${veth.farInterface} mtu 9000`,
      );
      const target = { interface: veth.interface };
      expect(() => attachXdp(plain, { ...target, mode: 'native' })).toThrow(
        expect.objectContaining({
          code: 'ATTACH_FAILED',
          message: expect.stringMatching(/ERANGE .*use mode generic/),
        }),
      );
      const generic = attachXdp(plain, { ...target, mode: 'auto' });
      expect([generic.mode, generic.describe(), linkDescription(generic.info())]).toEqual([
        'generic',
        'xdp on nxb-near (generic)',
        'xdp on nxb-near (generic)',
      ]);
      generic.close();
      const link = collection.attach('whole', 'xdp', { ...target, mode: 'native' });
      // Nobody listens: a second write would be told so.
      const send = `dd if=/dev/zero bs=8000 count=1 status=none > /dev/udp/${veth.nearAddress}/9`;
      execFileSync('ip', ['netns', 'exec', veth.farNetns, 'bash', '-c', send]);
      await expect.poll(delivered).toBeGreaterThan(0);
      const longest = Number(collection.variable('longest').get());
      expect(longest).toBeGreaterThan(4096);
      expect(Number(collection.variable('linear').get())).toBeLessThan(longest);
      link.close();
    });
    plain.close();
  });
});
