import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { apply, destroy, planProject, status } from '../../packages/deploy/src/apply';
import { RelocationCache } from '../../packages/deploy/src/cache';
import { loadProject } from '../../packages/deploy/src/manifest';
import { makePlan } from '../../packages/deploy/src/plan';
import { buildObjects } from '../../packages/deploy/src/toolchain';
import { layoutOf, observe, readLedger } from '../../packages/deploy/src/state';
import { Mount, mount, Namespace, unmount, unshare } from '../../packages/loader/src/kernel';
import { compile } from '../testing/compile';
import { median, table } from './table';

/** Programs and maps of an object. */
const each = 50;
const rounds = 9;

/** Of one object: as many programs as maps, a program for each map. */
function source(object: number): string {
  const parts = Array.from({ length: each }, (_, i) => {
    const name = `o${object}_${i}`;
    return `
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } m_${name} SEC(".maps");
SEC("socket") int p_${name}(void *ctx) {
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&m_${name}, &zero);
  if (count) __sync_fetch_and_add(count, 1);
  return 0;
}`;
  });
  return `#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n${parts.join('\n')}\nchar LICENSE[] SEC("license") = "GPL";\n`;
}

async function time(work: () => unknown): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

async function measure(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) times.push(await time(work));
  return median(times);
}

/**
 * How long plan, apply and status take for deployments of 250 to 2,000 programs and as many maps, in milliseconds. Each is
 * deployed to a bpffs of its own that no other process sees, and removed.
 */
export async function run(sizes: readonly number[] = [250, 500, 1000, 2000]): Promise<void> {
  const columns: ReadonlyMap<string, number>[] = [];
  for (const size of sizes) columns.push(await measureSize(size / each));
  table(
    ['ms', ...sizes.map(String)],
    [...columns[0]!.keys()].map((what) => [what, ...columns.map((column) => column.get(what)!.toFixed(1))]),
  );
}

/** Medians by what was done. */
async function measureSize(objects: number): Promise<ReadonlyMap<string, number>> {
  const times = new Map<string, number>();
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-bench-'));
  const bpffs = path.join(home, 'bpffs');
  fs.mkdirSync(bpffs);
  unshare(Namespace.MOUNT);
  mount({ target: '/', flags: Mount.REC | Mount.PRIVATE });
  mount({ type: 'bpf', target: bpffs });
  try {
    const workspace = path.join(home, 'ws');
    fs.mkdirSync(path.join(workspace, 'p'), { recursive: true });
    const names = Array.from({ length: objects }, (_, i) => `o${i}`);
    const programs = names.flatMap((name) =>
      Array.from({ length: each }, (_, i) => `  p_${name}_${i}: { object: ${name} }`),
    );
    fs.writeFileSync(
      path.join(workspace, 'bpf.config.yaml'),
      `version: 1\npin: { root: ${bpffs}/nx-bpf }\ntoolchain: { clang: clang-19 }\n`,
    );
    fs.writeFileSync(path.join(workspace, 'p', 'package.json'), '{ "name": "p" }');
    fs.writeFileSync(
      path.join(workspace, 'p', 'bpf.config.yaml'),
      `version: 1\nobjects:\n${names.map((name) => `  ${name}: { source: ${name}.bpf.c }`).join('\n')}\nprograms:\n${programs.join('\n')}\n`,
    );
    const compiled = names.map((name, i) => {
      fs.writeFileSync(path.join(workspace, 'p', `${name}.bpf.c`), source(i));
      const file = path.join(home, `${name}.bpf.o`);
      fs.writeFileSync(file, compile(source(i)));
      return { name, file };
    });
    const cache = new RelocationCache(path.join(home, 'cache'));
    const note = (text: string): void => console.error(text);
    const config = loadProject({ workspaceRoot: workspace, project: 'p' });
    const input = { config, objects: compiled, cache, note };
    const report = (what: string, milliseconds: number): void => void times.set(what, milliseconds);

    report('plan, nothing deployed', await measure(() => planProject(input)));
    report('apply, all new (once)', await time(() => apply(input)));
    report('plan, nothing to do', await measure(() => planProject(input)));
    report('apply, nothing to do', await measure(() => apply(input)));
    report('status', await measure(() => status(config)));
    const changed = fs.readFileSync(compiled[0]!.file);
    fs.writeFileSync(compiled[0]!.file, compile(source(0).replace('return 0', 'return 1')));
    report('plan, one object of them changed', await measure(() => planProject(input)));
    fs.writeFileSync(compiled[0]!.file, changed);

    const layout = layoutOf(config.pin.root, 'p', 'dev');
    const ledger = readLedger(layout.ledger)!;
    const observed = observe(layout, ledger);
    const desired = {
      ...ledger,
      programs: ledger.programs.map((program) => ({ ...program, capabilities: [] })),
      maps: ledger.maps.map((map) => ({ ...map, migrate: 'refuse' as const, shared: false, carry: [] })),
      links: [],
      variants: [],
    };
    report('of it: looking at every pin', await measure(() => observe(layout, ledger)));
    report('of it: the comparison alone', await measure(() => makePlan(desired, ledger, observed)));

    const bin = path.resolve(__dirname, '../../packages/deploy/bin/nx-bpf.js');
    const built = spawnSync(process.execPath, [bin, 'build', 'p'], { cwd: workspace, encoding: 'utf8' });
    if (built.status !== 0) throw new Error(built.stderr);
    report(
      'reading the manifest',
      await measure(() => loadProject({ workspaceRoot: workspace, project: 'p' })),
    );
    const outDir = path.join(workspace, 'p', 'dist', 'bpf', 'dev');
    report('finding that the objects are built', await measure(() => buildObjects(config, { outDir })));
    await destroy(config, note);
  } finally {
    unmount(bpffs);
    fs.rmSync(home, { recursive: true, force: true });
  }
  return times;
}
