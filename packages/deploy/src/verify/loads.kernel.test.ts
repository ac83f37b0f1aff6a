import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { run } from '../cli/run';

const source = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 rounds = 1;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
SEC("xdp")
int good(struct xdp_md *ctx)
{
	__u64 *here;
	for (__u32 i = 0; i < rounds && i < 64; i++) {
		__u32 key = i & 7;
		here = bpf_map_lookup_elem(&hits, &key);
		if (here)
			__sync_fetch_and_add(here, 1);
	}
	return XDP_PASS;
}
SEC("xdp")
int bad(struct xdp_md *ctx)
{
	return *(volatile __u8 *)(long)ctx->data; // unchecked
}
`;

kernelSuite('verify by the running kernel', (kernel) => {
  let root: string;
  beforeEach(() => {
    root = path.join(kernel.directory, 'verify');
    fs.mkdirSync(path.join(root, 'agent/src'), { recursive: true });
    fs.writeFileSync(path.join(root, 'bpf.config.yaml'), 'version: 1\n');
    fs.writeFileSync(path.join(root, 'agent/src/watch.bpf.c'), source);
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  interface Program {
    readonly program: string;
    readonly loads: boolean;
    readonly insns: number;
    readonly peakStates: number;
    readonly stackDepth: number;
    readonly recorded: number | null;
    readonly attaches: unknown;
    readonly errors: readonly { readonly code: string; readonly file?: string; readonly line?: number }[];
  }
  const manifest = (programs: string, rest = ''): void =>
    fs.writeFileSync(
      path.join(root, 'agent/bpf.config.yaml'),
      `version: 1\nobjects: { watch: {} }\nprograms: ${programs}\n${rest}`,
    );
  async function verified(options: { environment?: string; record?: boolean } = {}) {
    const request = { workspaceRoot: root, project: 'agent', level: 'kernel', ...options } as const;
    const { exitStatus, result } = await run('verify', request);
    return { exitStatus, ...(result as { programs: readonly Program[]; error: { code: string } | null }) };
  }

  test('each program with what the verifier walked; one that it refuses, at its line, stops no other', async () => {
    manifest('{ good: { attach: [{ id: up, xdp: { interface: none0 } }] }, bad: {} }');
    const { exitStatus, programs, error } = await verified();
    expect(exitStatus).toBe(6);
    expect(error!.code).toBe('VERIFIER_REJECTED');
    const [bad, good] = programs;
    expect(bad).toMatchObject({ program: 'bad', loads: false });
    expect(bad!.errors).toMatchObject([
      {
        code: 'VERIFIER_REJECTED',
        line: source.split('\n').findIndex((line) => line.includes('unchecked')) + 1,
      },
    ]);
    expect(good).toMatchObject({
      program: 'good',
      loads: true,
      errors: [],
      attaches: [{ id: 'up', hook: 'xdp', attaches: true }],
    });
    expect(good!.insns).toBeGreaterThan(10);
    expect(good!.peakStates).toBeGreaterThan(0);
    expect(good!.stackDepth).toBeGreaterThanOrEqual(4);
  });

  test('in GitHub Actions what is refused is at its line', async () => {
    manifest('{ bad: {} }');
    const written: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.env['GITHUB_ACTIONS'] = 'true';
    process.stdout.write = ((text: string) => written.push(text) > 0) as typeof process.stdout.write;
    try {
      await verified();
    } finally {
      process.stdout.write = write;
      delete process.env['GITHUB_ACTIONS'];
    }
    const line = source.split('\n').findIndex((each) => each.includes('unchecked')) + 1;
    expect(written.join('')).toContain(`::error file=agent/src/watch.bpf.c,line=${line},col=9::bad: `);
  });

  test('constants of the environment are what the verifier sees, and budgets hold it', async () => {
    const environments = `environments:
  dev: {}
  busy: { objects: { watch: { constants: { rounds: 60 } } } }
  held: { objects: { watch: { constants: { rounds: 60 } } }, programs: { good: { budgets: { insns: 100 } } } }
`;
    manifest('{ good: {} }', environments);
    const few = (await verified({ environment: 'dev' })).programs[0]!.insns;
    const many = (await verified({ environment: 'busy' })).programs[0]!.insns;
    expect(many).toBeGreaterThan(few * 5);
    const held = await verified({ environment: 'held' });
    expect(held).toMatchObject({ exitStatus: 6, error: { code: 'BUDGET_EXCEEDED' } });
    expect(held.programs[0]).toMatchObject({ loads: true, insns: many });
  });

  test('what is recorded is compared with, for the same environment and kernel', async () => {
    manifest('{ good: { budgets: { deltaPct: 20 } } }', 'environments: { dev: {}, other: {} }\n');
    const before = await verified({ environment: 'dev', record: true });
    expect(before).toMatchObject({ exitStatus: 0, programs: [{ recorded: null }] });
    const recorded = before.programs[0]!.insns;
    const file = JSON.parse(fs.readFileSync(path.join(root, 'agent/bpf.verified.json'), 'utf8')) as unknown;
    expect(Object.values((file as { dev: object }).dev)).toEqual([{ good: recorded }]);

    fs.writeFileSync(path.join(root, 'agent/src/watch.bpf.c'), source.replace('rounds = 1', 'rounds = 40'));
    expect(await verified({ environment: 'other' })).toMatchObject({ exitStatus: 0 });
    const after = await verified({ environment: 'dev' });
    expect(after).toMatchObject({ exitStatus: 6, programs: [{ recorded, loads: true }] });
    expect(after.programs[0]!.errors).toMatchObject([{ code: 'BUDGET_EXCEEDED' }]);

    fs.writeFileSync(path.join(root, 'agent/bpf.verified.json'), '{ "dev": [] }');
    expect((await verified({ environment: 'dev' })).error).toMatchObject({ code: 'FILE' });
  });

  test('what was loaded before is not loaded again into the same kernel', async () => {
    manifest('{ good: {} }');
    const [first] = (await verified()).programs;
    const folder = path.join(root, '.nx-bpf/cache/verified');
    const [kept] = fs.readdirSync(folder);
    const file = path.join(folder, kept!);
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(`"insns":${first!.insns}`, '"insns":7'));
    expect((await verified()).programs[0]!.insns).toBe(7);
    // Nor what an edit leaves as it is: the object decides, not its source.
    const commented = source.replace('char LICENSE', '/* for all */ char LICENSE');
    fs.writeFileSync(path.join(root, 'agent/src/watch.bpf.c'), commented);
    expect((await verified()).programs[0]!.insns).toBe(7);
    fs.writeFileSync(path.join(root, 'agent/src/watch.bpf.c'), source.replace('rounds = 1', 'rounds = 2'));
    expect((await verified()).programs[0]!.insns).toBeGreaterThan(first!.insns);
  });
});
