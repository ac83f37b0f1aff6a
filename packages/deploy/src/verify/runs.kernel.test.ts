import fs from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { run } from '../cli/run';

const source = `#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
const volatile __u32 limit = 1;
__u64 calls = 0;
struct flow { __u32 packets; __u16 port; __u16 zero; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, struct flow); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
SEC("xdp")
int guard(struct xdp_md *ctx)
{
	__u32 key = 0, protocol = 6;
	unsigned char *data = (void *)(long)ctx->data;
	__u64 *count = bpf_map_lookup_elem(&seen, &key);
	struct flow *flow = bpf_map_lookup_elem(&flows, &protocol);
	if (count)
		*count += 1;
	calls++;
	if (data + 14 > (unsigned char *)(long)ctx->data_end)
		return XDP_ABORTED;
	data[0] = 0xaa;
	if (flow && ++flow->packets > limit)
		return XDP_DROP;
	return XDP_PASS;
}
SEC("tc")
int classify(struct __sk_buff *skb)
{
	return skb->mark == 7 ? 2 : -1;
}
SEC("raw_tp/sched_switch")
int sum(unsigned long long *ctx)
{
	return ctx[0] + ctx[1];
}
SEC("tp_btf/sched_switch")
int traced(void *ctx)
{
	return 0;
}
`;

kernelSuite('run checks of a manifest', (kernel) => {
  let root: string;
  beforeEach(() => {
    root = path.join(kernel.directory, 'runs');
    fs.mkdirSync(path.join(root, 'agent/src'), { recursive: true });
    fs.writeFileSync(path.join(root, 'bpf.config.yaml'), 'version: 1\nkernels: { here: { btf: kernel } }\n');
    fs.writeFileSync(path.join(root, 'agent/src/watch.bpf.c'), source);
  });
  afterEach(() => fs.rmSync(root, { recursive: true }));

  interface Program {
    readonly program: string;
    readonly loads: boolean;
    readonly runs: readonly { readonly name: string; readonly passed: boolean; readonly returned: number }[];
    readonly errors: readonly { code: string; message: string; file?: string; line?: number }[];
  }
  interface Verified {
    readonly exitStatus: number;
    readonly programs: readonly Program[];
    readonly error: { readonly code: string; readonly message: string; readonly problems?: string[] } | null;
  }
  const manifest = (checks: string, rest = ''): void =>
    fs.writeFileSync(
      path.join(root, 'agent/bpf.config.yaml'),
      `version: 1\nobjects: { watch: {} }\nprograms: { guard: {}, classify: {}, sum: {}, traced: {} }\nrun:\n${checks}${rest}`,
    );
  async function verified(level: 'kernel' | 'offline' = 'kernel', environment?: string): Promise<Verified> {
    const { exitStatus, result } = await run('verify', {
      workspaceRoot: root,
      project: 'agent',
      level,
      environment,
    });
    return { exitStatus, ...(result as Omit<Verified, 'exitStatus'>) };
  }
  const messages = ({ programs }: Verified): string[] =>
    programs.flatMap(({ errors }) => errors.map(({ message }) => message));

  test("what is right passes: packet, context, arguments, output, maps, variables, the environment's constants", async () => {
    fs.writeFileSync(path.join(root, 'agent/frame.bin'), Buffer.alloc(20, 1));
    manifest(
      `  - { name: pass, program: guard, input: { packet: { file: frame.bin } }, expect: { return: XDP_PASS, output: 'aa ${'01'.repeat(19)}', variables: { calls: 1 } } }
  - name: drop
    program: guard
    maps: { flows: { '6': { packets: 1, port: 443 } } }
    repeat: 3
    expect: { return: 1, maps: { flows: { '6': { packets: 4 } }, seen: { '0': 3 } } }
  - { name: shot, program: classify, input: { context: { mark: 7 } }, expect: { return: TC_ACT_SHOT } }
  - { name: next, program: classify, expect: { return: -1 } }
  - { name: forty-two, program: sum, input: { context: [40, 2] }, expect: { return: 42 } }
`,
      'environments: { dev: {}, wide: { objects: { watch: { constants: { limit: 9 } } }, run: [{ name: drop, expect: { return: XDP_PASS } }] } }\n',
    );
    const plain = await verified('kernel', 'dev');
    expect(messages(plain)).toEqual([]);
    expect(plain.exitStatus).toBe(0);
    expect(plain.programs.flatMap(({ runs }) => runs)).toEqual([
      { name: 'next', passed: true, returned: 0xffffffff },
      { name: 'shot', passed: true, returned: 2 },
      { name: 'drop', passed: true, returned: 1 },
      { name: 'pass', passed: true, returned: 2 },
      { name: 'forty-two', passed: true, returned: 42 },
    ]);
    // Another constant, and of the check only what differs.
    const wide = await verified('kernel', 'wide');
    expect(messages(wide)).toEqual([]);
    expect(wide.exitStatus).toBe(0);
  });

  test("entries of the manifest's contents are in the maps, and what fails is told with what was found", async () => {
    manifest(
      `  - name: all-wrong
    program: guard
    input: { packet: { ipv4: {} } }
    expect:
      return: XDP_TX
      output: { ipv4: {} }
      maps: { flows: { '6': { packets: 5 }, '7': { packets: 1 } } }
      variables: { calls: 2 }
  - { name: right, program: classify, expect: { return: TC_ACT_UNSPEC } }
`,
      "maps: { flows: { contents: { values: { '6': { packets: 1, port: 53 } } } } }\n",
    );
    process.env['GITHUB_ACTIONS'] = 'true';
    const written: string[] = [];
    const write = process.stdout.write.bind(process.stdout);
    process.stdout.write = ((text: string) => written.push(text) > 0) as typeof process.stdout.write;
    let result: Verified;
    try {
      result = await verified();
    } finally {
      process.stdout.write = write;
      delete process.env['GITHUB_ACTIONS'];
    }
    const of = "check 'all-wrong' of program 'guard': ";
    expect(messages(result)).toEqual([
      `${of}return value: found 1 (XDP_DROP), expected 3 (XDP_TX)`,
      expect.stringMatching(
        new RegExp(
          `^${of}output: found 34 bytes with aa 00 .* from byte 0 on, expected 34 bytes with 02 00 `,
        ),
      ),
      `${of}map flows, key 6: found { packets: 2, port: 53, zero: 0 }, expected { packets: 5, port: 53, zero: 0 }`,
      `${of}map flows, key 7: found no entry, expected { packets: 1, port: 0, zero: 0 }`,
      `${of}variable calls: found 1, expected 2`,
    ]);
    expect(result).toMatchObject({ exitStatus: 6, error: { code: 'RUN_CHECK_FAILED' } });
    const [, guard] = result.programs;
    const line = source.split('\n').findIndex((each) => each.startsWith('int guard')) + 1;
    expect(guard!.errors[0]).toMatchObject({ code: 'RUN_CHECK_FAILED', line });
    const text = stripVTControlCharacters(written.join(''));
    expect(text).toContain(`::error file=agent/src/watch.bpf.c,line=${line}::guard: ${of}return value`);
    expect(text).toMatch(/guard +yes +- +1 of 1 FAILED/);
    expect(text).toMatch(/classify +yes +- +1 passed/);
  });

  test('what passed is not run again for the same object, packet and contents; what failed is', async () => {
    const frame = path.join(root, 'agent/frame.bin');
    fs.writeFileSync(frame, Buffer.alloc(20, 1));
    manifest(
      '  - { name: pass, program: guard, input: { packet: { file: frame.bin } }, expect: { return: XDP_PASS } }\n',
    );
    await verified();
    const folder = path.join(root, '.nx-bpf/cache/verified');
    for (const file of fs.readdirSync(folder)) {
      const text = fs.readFileSync(path.join(folder, file), 'utf8');
      fs.writeFileSync(path.join(folder, file), text.replace('"returned":2', '"returned":77'));
    }
    const returned = async () => (await verified()).programs.flatMap(({ runs }) => runs)[0]!.returned;
    expect(await returned()).toBe(77);
    fs.writeFileSync(frame, Buffer.alloc(21, 1));
    expect(await returned()).toBe(2);
    manifest('  - { name: pass, program: guard, expect: { return: XDP_DROP } }\n');
    expect((await verified()).exitStatus).toBe(6);
    expect((await verified()).exitStatus).toBe(6);
  });

  test('what can be told without running is told at every level, all at once, each at its place', async () => {
    manifest(`  - { name: a, program: traced, expect: { return: 0 } }
  - { name: b, program: guard, input: { packet: '0011' }, expect: { return: XDP_DORP } }
  - { name: c, program: guard, maps: { flow: ['1'] }, expect: { variables: { call: 1 } } }
  - { name: d, program: guard, expect: { maps: { flows: { '6': { packet: 1 } } } } }
  - { name: e, program: sum, input: { packet: '00' }, expect: { return: 0 } }
  - { name: f, program: guard, input: { packet: { file: none.bin } }, expect: { return: 0 } }
`);
    for (const level of ['offline', 'kernel'] as const) {
      const { exitStatus, error } = await verified(level);
      expect(exitStatus).toBe(3);
      expect(error!.problems).toEqual([
        expect.stringMatching(
          /^agent\/bpf.config.yaml:5:25: run 'a': the kernel does not run programs of type tracing on demand \(BPF_PROG_RUN\), as 'traced' is; it runs .*xdp$/,
        ),
        expect.stringMatching(/:6:49: run.b.input.packet: found 2 bytes, expected 14 at least/),
        expect.stringMatching(
          /:6:77: run.b.expect.return: found 'XDP_DORP', expected a number, or one of XDP_ABORTED, XDP_DROP/,
        ),
        expect.stringMatching(
          /:7:46: run.c.maps.flow: object 'watch' has no map 'flow'; did you mean flows\?$/,
        ),
        expect.stringMatching(
          /:7:84: run.c.expect.variables.call: no global variable 'call'; did you mean calls\?$/,
        ),
        expect.stringMatching(/:8:.*did you mean packets\?/),
        expect.stringMatching(/:9:47: run.e.input.packet: programs of this type are not given a packet/),
        expect.stringMatching(/:10:.*run.f.input.packet: .*none.bin cannot be read/),
      ]);
    }
  });
});
