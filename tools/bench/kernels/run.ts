import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { objectDigest, parseObject } from '../../../packages/loader/src';
import { buildObjects } from '../../../packages/deploy/src/toolchain';
import { loadProject } from '../../../packages/deploy/src/manifest';
import { packagedKernel } from '../../../packages/deploy/src/verify/debian-package';
import { compileCorpus, corpusFiles } from '../../oracle/corpus';
import { median, table } from '../table';
import { knownKernelPackages } from './packages';
import { type Pass, type PassInput } from './pass';

const root = path.resolve(__dirname, '../../..');
const runSource = path.join(root, 'tools/run-source.js');

/**
 * Verifies the agent, and every program of the corpus, offline for each kernel whose package apt knows: with nothing
 * kept, with indexes of the types kept, and with results kept. Downloads what is not in the cache: some 70 MB a package,
 * of which some 50 MB are kept. `KERNELS=n` takes only the newest n.
 */
export async function run(): Promise<void> {
  const names = knownKernelPackages().slice(-Number(process.env['KERNELS'] ?? 1000));
  const kernels = names.map((name) => packagedKernel(name, console.error));
  const digests = kernels.map(({ directory }) =>
    objectDigest(fs.readFileSync(path.join(directory, 'vmlinux.btf'))),
  );
  const sizes = kernels.map(({ directory }) => fs.statSync(path.join(directory, 'vmlinux.btf')).size);
  console.log(
    `${names.length} packages, ${new Set(digests).size} distinct BTFs of vmlinux, ${(median(sizes) / 2 ** 20).toFixed(1)} MiB each (median)\n`,
  );
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-bench-kernels-'));
  try {
    const subjects = { agent: await agent(work), corpus: await corpus(work) };
    const rows: string[][] = [];
    for (const [subject, { objects, programs, repeats }] of Object.entries(subjects)) {
      const workspaceRoot = path.join(work, subject);
      writeWorkspace(workspaceRoot, { programs, objects, names });
      const results = path.join(work, `${subject}-results`);
      const cache = path.join(work, `${subject}-cache`);
      shareTypes(cache, kernels);
      const input = { workspaceRoot, project: 'bench', objects, results };
      const pass = (fresh: readonly string[]): Pass => {
        for (const directory of fresh) fs.rmSync(directory, { recursive: true, force: true });
        return onePass(input, cache);
      };
      const indexes = path.join(cache, 'nx-bpf/indexes-1');
      const states = { nothing: [results, indexes], 'types, by index': [results], 'types and results': [] };
      for (const [kept, fresh] of Object.entries(states)) {
        const passes = Array.from({ length: repeats }, () => pass(fresh));
        const of = (value: (pass: Pass) => number): number => median(passes.map(value));
        const { passed, programs: asked } = passes[0]!;
        const row = [
          `${subject}: ${asked / names.length} programs`,
          kept,
          (of(({ verified }) => verified) / 1000).toFixed(2),
          (of(({ verified }) => verified) / names.length).toFixed(1),
          of(({ peak }) => peak).toFixed(0),
          `${passed} of ${asked}`,
        ];
        console.error(row.join('  '));
        rows.push(row);
      }
    }
    table(['verified', 'kept', 'all kernels, s', 'a kernel, ms', 'MiB', 'relocate'], rows);
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

interface Subject {
  readonly objects: Readonly<Record<string, string>>;
  /** Functions by object. */
  readonly programs: readonly { readonly object: string; readonly function: string }[];
  /** How often each state is measured. */
  readonly repeats: number;
}

async function agent(work: string): Promise<Subject> {
  const config = loadProject({ workspaceRoot: root, project: 'agent' });
  const built = await buildObjects(config, { outDir: path.join(work, 'agent-objects') });
  return {
    repeats: 5,
    objects: Object.fromEntries(built.map(({ name, file }) => [name, file])),
    programs: Object.values(config.programs).map(({ object, function: entry }) => ({
      object,
      function: entry,
    })),
  };
}

async function corpus(work: string): Promise<Subject> {
  const directory = path.join(work, 'corpus-objects');
  fs.mkdirSync(directory);
  const compiled = await compileCorpus(corpusFiles(), directory);
  const objects = Object.fromEntries(
    [...compiled].map(([name, file]) => [name.replaceAll(/[^A-Za-z0-9_-]/g, '_'), file]),
  );
  const programs = Object.entries(objects).flatMap(([object, file]) =>
    parseObject(fs.readFileSync(file), { name: object }).programs.map(({ name }) => ({
      object,
      function: name,
    })),
  );
  // Minutes each: once.
  return { objects, programs, repeats: 1 };
}

function writeWorkspace(
  directory: string,
  { programs, objects, names }: Omit<Subject, 'repeats'> & { readonly names: readonly string[] },
): void {
  fs.mkdirSync(path.join(directory, 'bench'), { recursive: true });
  const kernels = Object.fromEntries(
    names.map((name) => [
      name.replaceAll(/[^A-Za-z0-9_-]/g, '_'),
      { btf: { package: name }, required: false },
    ]),
  );
  const manifest = {
    version: 1,
    objects: Object.fromEntries(Object.keys(objects).map((name) => [name, {}])),
    programs: Object.fromEntries(
      programs.map((program, i) => [`p${i}_${program.function}`.slice(0, 100), program]),
    ),
  };
  fs.writeFileSync(path.join(directory, 'bpf.config.yaml'), JSON.stringify({ version: 1, kernels }));
  fs.writeFileSync(path.join(directory, 'bench/bpf.config.yaml'), JSON.stringify(manifest));
}

/** A cache of its own, in which the packages are there already. */
function shareTypes(cache: string, kernels: readonly { readonly directory: string }[]): void {
  const [first] = kernels;
  const types = path.dirname(first!.directory);
  fs.mkdirSync(path.join(cache, 'nx-bpf'), { recursive: true, mode: 0o700 });
  execFileSync('cp', ['-rl', types, path.join(cache, 'nx-bpf', path.basename(types))]);
}

function onePass(input: PassInput, cache: string): Pass {
  const answer = path.join(cache, 'pass.json');
  execFileSync(
    process.execPath,
    ['-r', runSource, path.join(__dirname, 'pass.ts'), JSON.stringify(input), answer],
    { cwd: root, env: { ...process.env, XDG_CACHE_HOME: cache }, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  return JSON.parse(fs.readFileSync(answer, 'utf8')) as Pass;
}
