import fs from 'node:fs';
import path from 'node:path';
import { compileFunction } from 'node:vm';
import ts from 'typescript';
import * as loader from '@nx-bpf/loader';
import { parseObject, type Collection } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { CommandLine } from '../../../../tools/testing/command-line';
import { compile } from '../../../../tools/testing/compile';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { generateTypes } from './generate';

const repository = path.resolve(__dirname, '../../../..');

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
enum verdict { VERDICT_PASS, VERDICT_DROP };
struct flow { __u64 packets; enum verdict verdict; char comm[8]; __u8 mac[6]; union { __u32 v4; struct { __u16 low, high; }; }; unsigned bits : 3; };
struct network { __u32 prefixlen; __u8 address[4]; };
struct seen { __u32 serial; struct flow flow; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, struct network); __type(value, struct flow); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct network); __type(value, enum verdict); } blocklist SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } per_cpu SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 2); __type(value, __u32); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); } tails SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
const struct seen *unused __attribute__((unused));
const volatile __u32 limit = 10;
__u32 serial;
SEC("xdp") int guard(struct xdp_md *ctx)
{
  struct network key = {};
  __u32 zero = 0;
  struct seen *event;
  bpf_map_lookup_elem(&flows, &key); bpf_map_lookup_elem(&blocklist, &key); bpf_map_lookup_elem(&per_cpu, &zero);
  bpf_map_pop_elem(&queue, &zero); bpf_tail_call(ctx, &tails, 0);
  event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
  if (event) {
    __builtin_memset(event, 0, sizeof(*event));
    event->serial = ++serial;
    event->flow.verdict = VERDICT_DROP;
    bpf_ringbuf_submit(event, 0);
  }
  return serial > limit ? XDP_DROP : XDP_PASS;
}
`;

/** What a user of the types may write. */
const use = `
import { Gate, type Flow, type Seen } from './gate';
export function use(gate: Gate): Seen | undefined {
  const flow: Flow = { packets: 1n << 60n, verdict: 'VERDICT_DROP', comm: 'x', mac: [1, 2, 3, 4, 5, 6], v4: 7, bits: 1 };
  gate.maps.flows.update({ prefixlen: 8, address: [10, 0, 0, 0] }, flow);
  gate.maps.blocklist.update('10.0.0.0/8', 'VERDICT_PASS');
  const verdict: string | number | undefined = gate.maps.blocklist.lookup({ prefixlen: 8, address: [10, 0, 0, 0] });
  const cpus: readonly number[] | undefined = gate.maps.per_cpu.lookup(0);
  gate.maps.queue.push(3);
  gate.maps.tails.update(0, gate.programs.guard);
  gate.variables.serial.set(gate.variables.limit.get() + (cpus?.length ?? 0) + (verdict === undefined ? 1 : 0));
  using events = gate.ringBuffer('events', 'seen');
  return events.read();
}
`;

/** What the compiler must refuse. */
const misuse = `
import { type Gate } from './gate';
export function misuse(gate: Gate): void {
  // @ts-expect-error a number is no network
  gate.maps.flows.lookup(7);
  // @ts-expect-error a field that the key does not have
  gate.maps.flows.lookup({ prefixlen: 8, address: [10, 0, 0, 0], port: 1 });
  // @ts-expect-error a value of another type
  gate.maps.blocklist.update('10.0.0.0/8', 'VERDICT_DORP');
  // @ts-expect-error no such map
  gate.maps.flowz;
  // @ts-expect-error no such program
  gate.programs.gard;
  // @ts-expect-error a variable of another type
  gate.variables.serial.set('1');
  // @ts-expect-error no such event
  gate.ringBuffer('events', 'sean');
  // @ts-expect-error a field that the event does not have
  gate.ringBuffer('events', 'seen').read()?.cereal;
}
`;

/** What the compiler says of files, which import each other and the loader's source. */
function diagnostics(files: readonly string[]): string[] {
  const { config } = ts.readConfigFile(path.join(repository, 'tsconfig.base.json'), (file) =>
    fs.readFileSync(file, 'utf8'),
  ) as { config: { compilerOptions: Record<string, unknown> } };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, repository);
  const program = ts.createProgram([...files], {
    ...options,
    noEmit: true,
    typeRoots: [path.join(repository, 'node_modules/@types')],
  });
  return files.flatMap((file) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(file))
      .map(
        ({ messageText, start }) =>
          `${path.basename(file)}:${start}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      ),
  );
}

test('the same object gives the same text, sorted', () => {
  const object = parseObject(compile(source), { name: 'gate' });
  const text = generateTypes({ name: 'gate', objects: [object] });
  expect(generateTypes({ name: 'gate', objects: [parseObject(compile(source), { name: 'gate' })] })).toBe(
    text,
  );
  const maps = [...text.matchAll(/^ {4}readonly (\w+): BpfMap/gm)].map((match) => match[1]);
  expect(maps).toEqual(['blocklist', 'events', 'flows', 'per_cpu', 'queue', 'tails']);
  expect(text).toContain("export type Verdict = 'VERDICT_PASS' | 'VERDICT_DROP' | number;");
  expect(text).toContain('  readonly v4?: number;\n  readonly low?: number;');
  expect(text).toContain('readonly seen: Seen;');
});

kernelSuite('generated types', (kernel) => {
  const nxBpf = new CommandLine(kernel);

  test('a program that uses them is checked by the compiler, and works', () => {
    const file = kernel.compile(source, { name: 'gate' });
    const types = path.join(kernel.directory, 'gate.ts');
    expect(nxBpf.run('types', file, '-o', types)).toMatchObject({ status: 0, stderr: '' });
    const user = path.join(kernel.directory, 'use.ts');
    fs.writeFileSync(user, use);
    const misuser = path.join(kernel.directory, 'misuse.ts');
    fs.writeFileSync(misuser, misuse);
    expect(diagnostics([types, user, misuser])).toEqual([]);

    // The same lines, on an object that was loaded, and on one that another process pinned.
    const { Gate } = evaluate(types, {}) as {
      Gate: { load(file: string): { source: Collection }; open(directory: string): { close(): void } };
    };
    const { use: run } = evaluate(user, { Gate }) as { use: (gate: unknown) => unknown };
    const loaded = Gate.load(file);
    loaded.source.program('guard').testRun({ data: new Uint8Array(64) });
    expect(run(loaded)).toMatchObject({ serial: 1, flow: { verdict: 'VERDICT_DROP' } });
    expect(loaded.source.variable('serial').get()).toBe(
      10 + loaded.source.map<number, number[]>('per_cpu').lookup(0)!.length,
    );
    loaded.source.close();

    const pins = path.join(kernel.bpffs, 'gate');
    expect(nxBpf.run('load', file, '--pin', pins)).toMatchObject({ status: 0 });
    const pinned = Gate.open(pins);
    expect(nxBpf.run('prog', 'run', path.join(pins, 'guard'))).toMatchObject({ status: 0 });
    expect(run(pinned)).toMatchObject({ serial: 1, flow: { verdict: 'VERDICT_DROP' } });
    pinned.close();
    expect(nxBpf.run('unload', pins)).toMatchObject({ status: 0 });
  });
});

/** Runs a module whose imports are the loader and what is given. */
function evaluate(file: string, imports: object): unknown {
  const { outputText } = ts.transpileModule(fs.readFileSync(file, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  });
  const exports = {};
  const load = (name: string): unknown => (name === '@nx-bpf/loader' ? loader : imports);
  compileFunction(outputText, ['require', 'exports'])(load, exports);
  return exports;
}
