import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfMap, Program } from '@nx-bpf/loader';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandLine } from '../../../../../tools/testing/command-line';
import { DeploymentFixture } from '../../../../../tools/testing/deployment';
import { kernelSuite } from '../../../../../tools/testing/kernel';
import { type ListedProgram } from './list';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
static __noinline int twice(int value) { return value * 2; }
SEC("xdp") int guard_with_a_long_name(struct xdp_md *ctx)
{
  __u32 zero = 0;
  if (bpf_map_lookup_elem(&hits, &zero))
    return XDP_DROP;
  return twice(ctx->data_end - ctx->data > 100 ? 0 : 1);
}
SEC("tc") int classify(struct __sk_buff *skb) { skb->mark++; return skb->mark; }
SEC("raw_tp/sched_process_exec") int sum(__u64 *ctx) { return ctx[0] + ctx[1]; }
`;

kernelSuite('nx-bpf prog', (kernel) => {
  const nxBpf = new CommandLine(kernel);
  const deployment = new DeploymentFixture(kernel);
  const directory = (): string => path.join(kernel.bpffs, 'raw');
  const guard = (): string => path.join(directory(), 'guard_with_a_long_name');
  let file: string;
  beforeAll(() => {
    file = kernel.compile(source, { name: 'progs' });
    expect(nxBpf.run('load', file, '--pin', directory())).toMatchObject({ status: 0 });
  });
  afterAll(() => {
    expect(nxBpf.run('unload', directory())).toMatchObject({ status: 0 });
  });

  test('list: in full what the kernel cuts short, and where it is pinned', () => {
    const { id, tag } = withProgram(guard(), (program) => program);
    const listed = nxBpf.json('prog', 'list', '--type', 'xdp') as ListedProgram[];
    expect(listed.find((program) => program.id === id)).toMatchObject({
      type: 'xdp',
      name: 'guard_with_a_long_name',
      tag,
      runs: 0,
      owner: null,
      pins: [guard()],
    });
    expect(nxBpf.run('prog', 'list').stdout).toMatch(
      new RegExp(`${id} +xdp +guard_with_a_long_name +${tag}`),
    );
    expect(nxBpf.run('prog', 'list', '--type', 'xpd')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('did you mean xdp?') as string,
    });
  });

  test('list: whose it is, by the ledger and by the card', async () => {
    deployment.reset();
    deployment.manifest(
      'version: 1\nobjects: { progs: { source: p.bpf.c } }\nprograms: { keeper: { object: progs, function: guard_with_a_long_name } }\n',
    );
    fs.writeFileSync(path.join(deployment.workspace, 'p', 'p.bpf.c'), source);
    await deployment.apply([{ name: 'progs', file }]);
    const find = (...options: string[]): ListedProgram[] =>
      (nxBpf.json('prog', 'list', ...options) as ListedProgram[]).filter(({ owner }) => owner === 'p/dev');
    expect(find('--root', deployment.root)).toMatchObject([{ name: 'keeper' }]);
    expect(find()).toMatchObject([{ name: 'guard_with_a_long_name' }]);
    expect(nxBpf.json('prog', 'run', 'p/keeper', '--root', deployment.root)).toMatchObject({
      returnValue: 2,
    });

    // Something else in the place of one ledger: the others are still told apart.
    const other = path.join(deployment.root, 'q', 'dev');
    fs.mkdirSync(other, { recursive: true });
    const map = BpfMap.open(path.join(deployment.layout.maps, 'hits'));
    map.pin(path.join(other, 'ledger'));
    map.close();
    const listed = nxBpf.run('prog', 'list', '--json', '--root', deployment.root);
    expect(listed).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        /^note: what is of q@dev is not told: .*ledger is not a ledger/,
      ) as string,
    });
    expect(listed.stdout).toContain('"keeper"');
    fs.rmSync(deployment.root, { recursive: true });
  });

  test('dump: every instruction, with lines of C, and names of functions, maps and helpers', () => {
    const lines = nxBpf.json('prog', 'dump', guard(), '--opcodes') as {
      insn: number;
      text: string;
      opcodes: string;
      function?: string;
      source?: { text: string; line: number };
    }[];
    const theirs = JSON.parse(
      execFileSync('bpftool', ['-j', 'prog', 'dump', 'xlated', 'pinned', guard(), 'opcodes'], {
        encoding: 'utf8',
      }),
    ) as { disasm: string }[];
    expect(lines).toHaveLength(theirs.filter(({ disasm }) => disasm !== undefined).length);
    expect(lines.filter((line) => line.function !== undefined).map((line) => line.function)).toEqual([
      'guard_with_a_long_name',
      'twice',
    ]);
    expect(lines.map(({ source: c }) => c?.text)).toContain('if (bpf_map_lookup_elem(&hits, &zero))');
    const text = lines.map((line) => line.text).join('\n');
    expect(text).toContain('map[hits]');
    expect(text).toMatch(/call (bpf_map_lookup_elem|__htab_map_lookup_elem)/);
    expect(text).toContain('call twice');
    expect(lines.at(-1)).toMatchObject({ text: 'exit', opcodes: '95 00 00 00 00 00 00 00' });
    const plain = nxBpf.run('prog', 'dump', guard()).stdout;
    expect(plain).toMatch(/^guard_with_a_long_name:\n; /);
    expect(nxBpf.run('prog', 'dump', guard(), '--no-source').stdout).not.toContain('; ');
  });

  test('run: on a packet, a context by fields, and arguments', () => {
    expect(nxBpf.json('prog', 'run', guard(), '--repeat', '10')).toMatchObject({
      returnValue: 2,
      action: 'XDP_PASS',
      repeat: 10,
    });
    const packet = path.join(kernel.directory, 'packet');
    const out = path.join(kernel.directory, 'out');
    fs.writeFileSync(packet, new Uint8Array(120).fill(7));
    expect(nxBpf.json('prog', 'run', guard(), '--data', `@${packet}`, '--data-out', out)).toMatchObject({
      action: 'XDP_ABORTED',
    });
    expect(fs.readFileSync(out)).toEqual(fs.readFileSync(packet));
    expect(nxBpf.run('prog', 'run', guard(), '--data', 'ff'.repeat(64)).stdout).toContain(
      'returned 2 (XDP_PASS)',
    );
    const tc = path.join(directory(), 'classify');
    expect(nxBpf.json('prog', 'run', tc, '--context', '{"mark":41}')).toMatchObject({ returnValue: 42 });
    expect(nxBpf.json('prog', 'run', path.join(directory(), 'sum'), '--context', '[40, 2]')).toMatchObject({
      returnValue: 42,
    });
    expect(nxBpf.run('prog', 'run', tc, '--context', '{"marks":41}').stderr).toContain('did you mean mark?');
    expect(nxBpf.run('prog', 'run', guard(), '--data', 'xyz')).toMatchObject({ status: 3 });
    expect(nxBpf.run('prog', 'dump', path.join(directory(), 'clasify')).stderr).toContain('/classify?');
  });

  test('stats: what ran while it looks, and statistics are off again afterwards', async () => {
    const before = fs.readFileSync('/proc/sys/kernel/bpf_stats_enabled', 'utf8');
    const looking = nxBpf.start('prog', 'stats', guard(), '--interval', '100', '--json');
    await looking.until('stdout', /\n/);
    withProgram(guard(), (program) => program.testRun({ data: new Uint8Array(64), repeat: 1000 }));
    await looking.until('stdout', /"runs":[1-9]/);
    const { status, stdout } = await looking.interrupt();
    expect(status).toBe(0);
    const seen = stdout
      .trim()
      .split('\n')
      .flatMap((line) => JSON.parse(line) as { name: string; runs: number; meanNs: number }[]);
    expect(seen.reduce((sum, { runs }) => sum + runs, 0)).toBe(1000);
    expect(seen.find(({ runs }) => runs > 0)).toMatchObject({ name: 'guard_with_a_long_name' });
    expect(fs.readFileSync('/proc/sys/kernel/bpf_stats_enabled', 'utf8')).toBe(before);
  });
});

function withProgram<T>(pin: string, use: (program: Program) => T): T {
  const program = Program.open(pin);
  try {
    return use(program);
  } finally {
    program.close();
  }
}
