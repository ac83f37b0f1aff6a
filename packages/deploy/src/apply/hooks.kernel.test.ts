import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { allIds, BpfMap, Link, linkInfo, tcxPrograms, withObject } from '@nx-bpf/loader';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { compileTraced } from '../../../../tools/testing/user-binary';
import { linkPin } from '../state';
import { destroy } from './index';

const header = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
`;
const counters = `${header}
__u64 passes[3];
#define COUNT(index) SEC("tcx/ingress") int count##index(struct __sk_buff *skb) { passes[index]++; return LAST_##index; }
#define LAST_0 -1
#define LAST_1 2
#define LAST_2 -1
COUNT(0) COUNT(1) COUNT(2)
`;
const sockets = `${header}
struct { __uint(type, BPF_MAP_TYPE_SOCKMAP); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } sockets SEC(".maps");
SEC("sk_skb/verdict") int steer(struct __sk_buff *skb) { return bpf_sk_redirect_map(skb, &sockets, 0, 0); }
SEC("sk_msg") int screen(struct sk_msg_md *msg) { return 1; }
`;
const packets = `${header}
__u64 seen;
SEC("netfilter") int refuse(void *ctx) { seen++; return 0; }
`;

const probes = `${header}
SEC("kprobe/do_unlinkat") int probe(void *ctx) { return 0; }
`;

/** Of user space; a cookie of each is counted. */
const userProbes = `#include <linux/ptrace.h>
#include <stdbool.h>
${header}
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
__u64 runs[8];
static int tell(__u64 cookie) { __sync_fetch_and_add(&runs[cookie & 7], 1); return 0; }
SEC("uprobe") int one(struct pt_regs *ctx) { return tell(bpf_get_attach_cookie(ctx)); }
SEC("uprobe.multi") int many(struct pt_regs *ctx) { return tell(bpf_get_attach_cookie(ctx)); }
SEC("usdt") int probe(struct pt_regs *ctx)
{
  long value;
  return bpf_usdt_arg(ctx, 0, &value) ? 0 : tell(bpf_usdt_cookie(ctx));
}
`;

kernelSuite('hooks by a manifest', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  const object = (name: string, source: string) => [{ name, file: kernel.compile(source, { name }) }];
  const linkId = (id: string): number => {
    const link = Link.open(linkPin(fixture.layout, id));
    link.close();
    return link.id;
  };
  const programOf = (id: string): number => {
    const kernelId = linkId(id);
    return withObject('link', kernelId, (fd) => linkInfo(fd).programId)!;
  };

  beforeEach(() => fixture.reset());

  test('tcx programs run in the order that their neighbours say, whatever their ids are', async () => {
    const edge = object('edge', counters);
    await kernel.withVeth(async (veth) => {
      const target = `interface: ${veth.interface}`;
      fixture.manifest(`
version: 1
objects: { edge: {} }
programs:
  count0: { attach: [{ id: a, tcx: { ${target}, before: c } }] }
  count1: { attach: [{ id: c, tcx: { ${target} } }] }
  count2: { attach: [{ id: b, tcx: { ${target}, after: c } }] }
`);
      await fixture.apply(edge);
      expect(tcxPrograms({ interface: veth.interface }, 'ingress')?.programIds).toEqual(
        ['a', 'c', 'b'].map(programOf),
      );
      veth.sendFromFar(5);
      const data = BpfMap.open<number, { passes: bigint[] }>(path.join(fixture.layout.maps, 'edge_bss'));
      const seen = Object.values(data.lookup(0)!)[0];
      data.close();
      // The one in the middle answers, so the one behind it is never asked.
      expect(seen).toEqual([5, 5, 0]);
      expect((await fixture.apply(edge)).plan.empty).toBe(true);
      await destroy(fixture.load(), () => undefined);
    });
  });

  test('a map of the project by its name, and netfilter with a number', async () => {
    fixture.manifest(`
version: 1
objects: { streams: {} }
programs:
  steer: { attach: [{ id: steer, sk_skb: { map: sockets } }] }
  screen: { attach: [{ id: screen, sk_msg: { map: sockets } }] }
`);
    const { deployment } = await fixture.apply(object('streams', sockets));
    const map = BpfMap.open(path.join(fixture.layout.maps, 'sockets'));
    const links = ['steer', 'screen'].map((id) => withObject('link', linkId(id), linkInfo)!);
    expect(links.map(({ target }) => target)).toEqual([
      expect.objectContaining({ kind: 'sockmap', map_id: map.id }),
      expect.objectContaining({ kind: 'sockmap', map_id: map.id }),
    ]);
    map.close();
    expect(deployment.links.map(({ hook }) => hook)).toEqual(['sk_msg', 'sk_skb']);
    await destroy(fixture.load(), () => undefined);
  });

  test('netfilter in a network namespace, with a priority; one that is not there is optional', async () => {
    const firewall = object('firewall', packets);
    await kernel.withVeth(async (veth) => {
      const attach = (netns: string) => `
version: 1
objects: { firewall: {} }
programs:
  refuse:
    attach:
      - { id: in, netns: ${netns}, optional: true, netfilter: { family: ipv4, hook: prerouting, priority: -300 } }
`;
      fixture.manifest(attach('nowhere'));
      const before = allIds('link');
      expect((await fixture.apply(firewall)).deployment.links).toEqual([]);
      expect(fixture.notes).toContainEqual(expect.stringContaining('link in left out'));
      expect(allIds('link')).toEqual(before);

      fixture.manifest(attach(veth.farNetns));
      const { deployment } = await fixture.apply(firewall);
      expect(deployment.links[0]?.target).toContain('netfilter');
      expect(withObject('link', linkId('in'), linkInfo)!.target).toMatchObject({ priority: -300 });
      await destroy(fixture.load(), () => undefined);
    });
  });

  test('a kprobe on a function of a module that is not loaded is optional', async () => {
    fixture.manifest(`
version: 1
objects: { probes: {} }
programs:
  probe: { attach: [{ id: probe, optional: true, kprobe: { function: 'no_such_module:its_function' } }] }
`);
    expect((await fixture.apply(object('probes', probes))).deployment.links).toEqual([]);
    expect(fixture.notes).toContainEqual(expect.stringContaining('link probe left out'));
    await destroy(fixture.load(), () => undefined);
  });

  test('probes of user space, with cookies; another cookie makes a link anew', async () => {
    const traced = compileTraced(path.join(kernel.directory, 'traced'));
    const flags = [`-D__TARGET_ARCH_${process.arch === 'arm64' ? 'arm64' : 'x86'}`];
    const objects = [{ name: 'user', file: kernel.compile(userProbes, { name: 'user', flags }) }];
    const manifest = (cookie: number) => `
version: 1
objects: { user: {} }
programs:
  one: { attach: [{ id: one, uprobe: { binary: ${traced}, function: add, cookie: 1 } }] }
  many: { attach: [{ id: many, uprobe_multi: { binary: ${traced}, functions: [subtract, pass], cookies: [2, 3] } }] }
  probe: { attach: [{ id: probe, usdt: { binary: ${traced}, provider: demo, name: watched, cookie: ${cookie} } }] }
`;
    /** How often each cookie was seen while the traced program takes three turns. */
    const runs = (): number[] => {
      spawnSync(traced, ['3'], { input: '!' });
      const data = BpfMap.open<number, { runs: bigint[] }>(path.join(fixture.layout.maps, 'user_bss'));
      const [seen] = Object.values(data.lookup(0)!);
      data.close();
      return seen!.slice(0, 6).map(Number);
    };
    fixture.manifest(manifest(4));
    const { deployment } = await fixture.apply(objects);
    expect(deployment.links.map(({ target }) => target)).toEqual([
      `uprobe_multi ${traced}:subtract, pass`,
      `uprobe ${traced}:add`,
      `usdt ${traced}:demo:watched`,
    ]);
    expect(runs()).toEqual([0, 3, 3, 3, 3, 0]);
    expect((await fixture.apply(objects)).plan.empty).toBe(true);
    fixture.manifest(manifest(5));
    const { plan } = await fixture.apply(objects);
    expect(plan.links.map(({ name, action }) => [name, action])).toContainEqual(['probe', 'replace']);
    expect(runs()).toEqual([0, 6, 6, 6, 3, 3]);
    await destroy(fixture.load(), () => undefined);
  });

  test('freplace: the other program is in another object; a kernel without trampolines refuses, and nothing is left', async () => {
    const verdict = `${header}
__attribute__((noinline)) int verdict(struct xdp_md *ctx) { volatile int ret = XDP_DROP; return ret; }
SEC("xdp") int guard(struct xdp_md *ctx) { return verdict(ctx); }
`;
    const milder = 'SEC("freplace/verdict") int milder(struct xdp_md *ctx) { return XDP_PASS; }';
    const programs = (object: string) => `
programs:
  guard: { object: base }
  milder: { object: ${object}, attach: [{ freplace: { program: guard } }] }
`;
    fixture.manifest(`version: 1\nobjects: { base: {} }${programs('base')}`);
    await expect(fixture.apply(object('base', `${verdict}${milder}`))).rejects.toMatchObject({
      code: 'MANIFEST_INVALID',
      message: expect.stringContaining("replaces a function of 'guard', which is in the same object"),
    });

    fixture.manifest(`version: 1\nobjects: { base: {}, over: {} }${programs('over')}`);
    const before = allIds('program');
    const both = [...object('base', verdict), ...object('over', `${header}${milder}`)];
    const outcome = await fixture.apply(both).then(
      () => destroy(fixture.load(), () => undefined),
      (error: unknown) => error,
    );
    // Where there are trampolines it works: docs/kernels.md.
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'PROGRAM_LOAD_FAILED' });
    expect(allIds('program').filter((id) => !before.includes(id))).toEqual([]);
    expect(fixture.pins()).toEqual([]);
  });
});
