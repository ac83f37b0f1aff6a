/**
 * Tries every feature of tools/features on Debian's kernels and on the running one, prints the table of what came of
 * it, and compares it with docs/kernels.json.
 *
 *     node tools/kernels.mjs [--write] [--only FEATURE]...
 *
 * --write makes docs/kernels.json and docs/kernels.md anew; with --only, nothing is compared.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { guestCommand, parseResults, prepareFeatures } from './features/prepare.mjs';
import { document, table } from './features/table.mjs';
import { SetupError, isRoot } from './setup/command.mjs';
import { quickEnvironment, root, run } from './setup/index.mjs';
import { machineKernels, runOnKernels } from './virtual-machine/fleet.mjs';

const kernels = ['6.1', '6.12'];
/** Seconds, for a guest that hangs: an imitated processor takes a minute or two, and far more beside other work. */
const timeout = 600;
const recorded = path.join(root, 'docs/kernels.json');
const page = path.join(root, 'docs/kernels.md');

const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
});

const work = mkdtempSync(path.join(tmpdir(), 'nx-bpf-kernels-'));
try {
  conclude(await tryEverywhere());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** @returns {Promise<Map<string, object[]>>} the results on each kernel by its name; the running one is last */
async function tryEverywhere() {
  const objects = path.join(work, 'objects');
  const { program, files } = await prepareFeatures(objects);
  const said = Object.fromEntries(kernels.map((name) => [name, '']));
  const outcomes = await runOnKernels(machineKernels(kernels), {
    command: [...guestCommand, ...options.only],
    files,
    timeout,
    output: (name, chunk) => (said[name] += chunk),
    errors: (_, chunk) => process.stderr.write(chunk),
  });
  for (const { kernel, failure, log, seconds } of outcomes) {
    console.log(`${kernel.release}: ${seconds.toFixed(1)} s`);
    if (failure !== undefined) throw new SetupError(`${kernel.release}: ${failure}; console: ${log}`);
  }
  const results = new Map(kernels.map((name) => [name, parseResults(said[name])]));
  // Only root may load programs here; in the guests everybody is.
  if (isRoot) results.set(`${release().split('.', 2).join('.')} here`, tryHere(program, objects));
  return results;
}

/** The same on the running kernel. */
function tryHere(program, objects) {
  // Beside the packages of this repository, so that it finds koffi.
  const file = path.join(root, 'node_modules', `.nx-bpf-features-${process.pid}.cjs`);
  writeFileSync(file, program);
  try {
    const { stdout } = spawnSync(process.execPath, [file, objects, ...options.only], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env: quickEnvironment,
    });
    return parseResults(stdout);
  } finally {
    rmSync(file);
  }
}

/** Fails for a result that is wrong or missing; then records what came of it, or compares it with what is recorded. */
function conclude(results) {
  const [first = []] = results.values();
  const rows = first.map(({ name, group, since }) => ({ name, group, since }));
  const failures = [...results].flatMap(([kernel, lines]) => [
    ...lines
      .filter(({ outcome }) => outcome === 'wrong')
      .map(({ name, error }) => `${kernel}: ${name}: ${error}`),
    ...(lines.length === 0 || lines.length < rows.length
      ? [`${kernel}: ended after ${lines.length} features`]
      : []),
  ]);
  if (failures.length > 0) {
    for (const failure of failures) console.error(failure);
    process.exitCode = 1;
    return;
  }
  const columns = Object.fromEntries([...results].map(([name, lines]) => [name, outcomesOf(lines)]));
  console.log(table({ rows, columns }));
  if (options.only.length > 0) return;
  if (options.write) write({ rows, columns });
  else compare({ rows, columns });
}

function outcomesOf(lines) {
  return Object.fromEntries(lines.map(({ name, outcome }) => [name, outcome]));
}

function write(results) {
  writeFileSync(recorded, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(page, document(results));
  run(process.execPath, ['node_modules/prettier/bin/prettier.cjs', '--write', recorded, page], { cwd: root });
}

/** Debian's kernels are the same everywhere; the running one is whatever this machine has. */
function compare(results) {
  const [before, now] = [JSON.parse(readFileSync(recorded, 'utf8')), results].map(recordedLines);
  const changes = [
    ...[...before].filter((line) => !now.has(line)).map((line) => `- ${line}`),
    ...[...now].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
  ];
  if (changes.length === 0) return;
  console.error('docs/kernels.json says something else. If this is right, run `npm run kernels -- --write`:');
  for (const change of changes) console.error(change);
  process.exitCode = 1;
}

/** A line for each feature, with what Debian's kernels say. */
function recordedLines({ rows, columns }) {
  const line = ({ name, group, since }) =>
    [
      `${group}: ${name}`,
      `since ${since}`,
      ...kernels.map((kernel) => `${kernel}: ${columns[kernel]?.[name]}`),
    ].join(', ');
  return new Set(rows.map(line));
}
