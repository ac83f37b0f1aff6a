import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { DeploymentFixture } from '../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { RelocationCache } from '../cache';
import { loadEach } from './loads';
import { verify } from './verify';

const source = (struct: string) => `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
struct sock;
struct ${struct} {
  unsigned int (*ssthresh)(struct sock *sk);
  void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
  unsigned int (*undo_cwnd)(struct sock *sk);
  char name[16];
};
SEC("struct_ops/ssthresh") unsigned int BPF_PROG(ssthresh, struct sock *sk) { return 7; }
SEC("struct_ops/cong_avoid") void BPF_PROG(avoid, struct sock *sk, unsigned int ack, unsigned int acked) { }
SEC("struct_ops/undo_cwnd") unsigned int BPF_PROG(undo, struct sock *sk) { return 8; }
SEC(".struct_ops.link") struct ${struct} cc = { .name = "nx_verified", .ssthresh = (void *)ssthresh,
  .cong_avoid = (void *)avoid, .undo_cwnd = (void *)undo };
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('verify struct_ops', (kernel) => {
  const fixture = new DeploymentFixture(kernel);
  beforeEach(() => fixture.reset());

  const input = (struct: string, optional: boolean) => {
    fixture.manifest(`version: 1\nobjects: { cc: {} }\nstructOps: { cc: { optional: ${optional} } }\n`);
    const objects = [{ name: 'cc', file: kernel.compile(source(struct), { name: `verify-${struct}` }) }];
    const results = path.join(kernel.directory, 'results');
    return { config: fixture.load(), objects, results, note: () => undefined };
  };

  test('every program of a struct is relocated for each kernel, and loaded into this one', async () => {
    const given = input('tcp_congestion_ops', false);
    const [here] = await verify(given);
    expect(here).toMatchObject({
      success: true,
      programs: ['ssthresh', 'avoid', 'undo'].map((program) => ({ program, relocates: 'yes' })),
    });
    const loads = loadEach({ ...given, cache: new RelocationCache(fixture.cacheFolder) });
    expect(loads).toMatchObject(
      ['avoid', 'ssthresh', 'undo'].map((program) => ({ program, loads: true, errors: [] })),
    );
  });

  test('a struct that the kernel does not have: it is not for it, unless the struct is optional', async () => {
    const [refused] = await verify(input('nx_no_such_ops', false));
    expect(refused!.success).toBe(false);
    const [without] = await verify(input('nx_no_such_ops', true));
    expect(without).toMatchObject({ success: true });
  });
});
