import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadFile, type BpfMap } from '@nx-bpf/loader';
import { compile } from '../testing/compile';
import { median, table } from './table';

const entries = 1_000_000;
const rounds = 5;

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
enum verdict { VERDICT_PASS, VERDICT_DROP };
struct flow { __u64 packets; __u64 bytes; __u64 last_seen; enum verdict verdict; char comm[16]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, ${entries}); __type(key, __u32); __type(value, struct flow); } flows SEC(".maps");
`;

interface Flow {
  readonly packets: number;
}

function* flows(): Generator<[number, object]> {
  for (let i = 0; i < entries; i++) {
    yield [i, { packets: i, bytes: i * 1500, last_seen: 1e15 + i, verdict: i % 2, comm: 'nginx' }];
  }
}

/** A hash of a million structs: walked and decoded in this process, and dumped as JSON by the whole process bpftool. */
export function run(): void {
  const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-bench-'));
  const pin = `/sys/fs/bpf/nx-bpf-bench-${process.pid}`;
  const object = path.join(directory, 'flows.o');
  writeFileSync(object, compile(source));
  const collection = loadFile(object);
  try {
    const map = collection.map<number, Flow>('flows');
    const start = performance.now();
    map.updateBatch(flows() as Iterable<[number, Flow]>);
    const filled = performance.now() - start;
    map.pin(pin);
    const times = {
      raw: [] as number[],
      decoded: [] as number[],
      json: [] as number[],
      command: [] as number[],
      bpftool: [] as number[],
    };
    for (let round = 0; round < rounds; round++) {
      times.raw.push(timed(() => walkRaw(map)));
      times.decoded.push(timed(() => walk(map)));
      times.json.push(timed(() => toJson(map)));
      times.command.push(timed(() => command(pin)));
      times.bpftool.push(timed(() => bpftool(pin)));
    }
    const row = (what: string, all: readonly number[]) => {
      const time = median(all);
      return [
        what,
        time.toFixed(0),
        (entries / time / 1000).toFixed(2),
        (time / median(times.bpftool)).toFixed(2),
      ];
    };
    table(
      ['a hash of 1,000,000 structs', 'ms', 'million entries/s', 'ratio to bpftool'],
      [
        row('chunks of bytes', times.raw),
        row('chunks, decoded', times.decoded),
        row('chunks, decoded, as JSON text', times.json),
        row('nx-bpf map dump --json, whole process', times.command),
        row('bpftool map dump -j, whole process', times.bpftool),
        row('updateBatch, encoded', [filled]),
      ],
    );
    const pairs = times.command.map((time, round) => time / times.bpftool[round]!);
    console.log(`\nnx-bpf to bpftool, median of ${rounds} pairs: ${median(pairs).toFixed(2)}`);
    console.log(`Most memory of this process: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`);
  } finally {
    collection.close();
    rmSync(pin, { force: true });
    rmSync(directory, { recursive: true, force: true });
  }
}

function timed(action: () => number): number {
  const start = performance.now();
  const count = action();
  if (count !== entries) throw new Error(`${count} entries`);
  return performance.now() - start;
}

function walkRaw(map: BpfMap<number, Flow>): number {
  let count = 0;
  for (const chunk of map.raw.chunks()) count += chunk.count;
  return count;
}

function walk(map: BpfMap<number, Flow>): number {
  let count = 0;
  for (const elements of map.chunks()) count += elements.length;
  return count;
}

function toJson(map: BpfMap<number, Flow>): number {
  let count = 0;
  for (const elements of map.chunks()) {
    count += elements.length;
    if (JSON.stringify(elements).length === 0) throw new Error('no text');
  }
  return count;
}

/** From this checkout's source, which takes it some 0.2 s longer to start than a build. */
function command(pin: string): number {
  const bin = path.resolve(__dirname, '../../packages/deploy/bin/nx-bpf.js');
  const { status } = spawnSync(process.execPath, [bin, 'map', 'dump', pin, '--json'], { stdio: 'ignore' });
  if (status !== 0) throw new Error('nx-bpf failed');
  return entries;
}

function bpftool(pin: string): number {
  const { status } = spawnSync('bpftool', ['map', 'dump', '-j', 'pinned', pin], { stdio: 'ignore' });
  if (status !== 0) throw new Error('bpftool failed');
  return entries;
}
