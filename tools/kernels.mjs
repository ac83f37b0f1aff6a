/**
 * Tries every feature of tools/features on Debian's kernels and on the running one, prints the table of what came of
 * it, and compares it with docs/kernels.json.
 *
 *     node tools/kernels.mjs [--write]    --write makes docs/kernels.json and docs/kernels.md anew
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isRoot } from './setup/command.mjs';
import { quickEnvironment, root, run } from './setup/index.mjs';
import { document, table } from './features/table.mjs';
import { bundle } from './virtual-machine/bundle.mjs';
import { runOnKernels } from './virtual-machine/fleet.mjs';
import { lineWriter } from './virtual-machine/lines.mjs';

const kernels = ['6.1', '6.12'];
/** Seconds: imitated processors are slow, more so beside other work. */
const timeout = 220;
const recorded = path.join(root, 'docs/kernels.json');
const page = path.join(root, 'docs/kernels.md');

const work = mkdtempSync(path.join(tmpdir(), 'nx-bpf-kernels-'));
try {
  const results = await tryEverywhere();
  const columns = Object.fromEntries([...results].map(([name, lines]) => [name, outcomes(lines)]));
  const rows = [...results.values()][0].map(({ name, group, since }) => ({ name, group, since }));
  const failures = [...results].flatMap(([kernel, lines]) =>
    lines
      .filter(({ outcome }) => outcome === 'wrong')
      .map(({ name, error }) => `${kernel}: ${name}: ${error}`),
  );
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
  else if (process.argv.includes('--write')) write({ rows, columns });
  else compare({ rows, columns });
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** @returns the results on each kernel, by its name; the running one's is its version, and it comes last */
async function tryEverywhere() {
  const objects = path.join(work, 'objects');
  run('mkdir', [objects]);
  run(process.execPath, ['-r', './tools/run-source.js', 'tools/features/compile.ts', objects], {
    cwd: root,
    env: quickEnvironment,
  });
  const program = await bundle('tools/features/run.ts');
  const files = new Map([
    ['features/run.cjs', program],
    ...readdirSync(objects)
      .filter((file) => file.endsWith('.o'))
      .map((file) => [`features/objects/${file}`, { bytes: readFileSync(path.join(objects, file)) }]),
  ]);
  const results = new Map(kernels.map((name) => [name, []]));
  const lines = lineWriter((name, line) => results.get(name).push(JSON.parse(line)));
  const outcomes = await runOnKernels(kernels, {
    command: ['node', '/features/run.cjs', '/features/objects'],
    files,
    timeout,
    output: lines.write,
    errors: (name, chunk) => process.stderr.write(chunk),
  });
  for (const { kernel, failure, status, log, seconds } of outcomes) {
    console.log(`${kernel.release}: ${seconds.toFixed(1)} s`);
    if (failure !== undefined || status > 1 || results.get(kernel.name).length === 0) {
      throw new Error(
        `${kernel.release}: ${failure ?? `the features ended with ${status}`}; console: ${log}`,
      );
    }
  }
  if (isRoot) results.set(release().split('.', 2).join('.'), await tryHere(program, objects));
  return results;
}

/** The same on the running kernel. */
async function tryHere(program, objects) {
  const file = path.join(root, 'node_modules', `.nx-bpf-features-${process.pid}.cjs`);
  writeFileSync(file, program.bytes);
  try {
    const child = spawn(process.execPath, [file, objects], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: quickEnvironment,
    });
    let text = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk;
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  } finally {
    rmSync(file);
  }
}

function outcomes(lines) {
  return Object.fromEntries(lines.map(({ name, outcome }) => [name, outcome]));
}

function write(results) {
  writeFileSync(recorded, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(page, document(results));
  run(process.execPath, ['node_modules/prettier/bin/prettier.cjs', '--write', recorded, page], { cwd: root });
  console.log(table(results));
}

/** Debian's kernels are the same everywhere; the running one is whatever this machine has. */
function compare(results) {
  console.log(table(results));
  const known = JSON.parse(readFileSync(recorded, 'utf8'));
  const same =
    isDeepStrictEqual(known.rows, results.rows) &&
    kernels.every((name) => isDeepStrictEqual(known.columns[name], results.columns[name]));
  if (same) return;
  console.error('docs/kernels.json says something else: if this is right, run `npm run kernels -- --write`');
  process.exitCode = 1;
}
