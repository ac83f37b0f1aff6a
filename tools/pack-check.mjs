/**
 * Builds and packs the packages, installs them in an empty Nx workspace elsewhere, builds the README's project there,
 * and takes a generated one through its life on this kernel: what a user gets must not lean on anything of this
 * repository, and what the README shows must work.
 *
 *     node tools/pack-check.mjs [version of Nx]
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { quickEnvironment, root, run } from './setup/index.mjs';

const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const nxVersion = process.argv[2] ?? dependencies.nx;

run(process.execPath, ['tools/build.mjs', '--noCheck'], { cwd: root, env: quickEnvironment });

const templates = ['xdp', 'tc', 'tracepoint', 'cgroup', 'lsm', 'empty'];
const nxEnvironment = { ...quickEnvironment, NX_DAEMON: 'false', NX_TUI: 'false', CI: 'true' };
const workspace = mkdtempSync(path.join(tmpdir(), 'nx-bpf-pack-'));
try {
  writeWorkspace(pack());
  run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: workspace });

  const project = JSON.parse(nx('show', 'project', 'probe', '--json'));
  assert.deepEqual(
    Object.keys(project.targets).sort(),
    ['bpf-build', 'bpf-load', 'bpf-status', 'bpf-unload'],
    'the plugin infers its targets',
  );

  nx('run', 'probe:bpf-build');
  const object = path.join(workspace, 'packages/probe/dist/bpf/dev/probe.bpf.o');
  assert.ok(existsSync(object), `bpf-build writes ${object}`);

  const cli = path.join(workspace, 'node_modules/.bin/nx-bpf');
  assert.match(run(cli, ['inspect', object, '--json'], { cwd: workspace }), /"count_packets"/);
  generate();
  useGenerated();
  console.log(`packed, installed and used with Nx ${nxVersion}`);
} finally {
  rmSync(workspace, { recursive: true, force: true });
}

/** A project from each template, in the workspace as it is: nothing of the README's project is touched. */
function generate() {
  const before = readFileSync(path.join(workspace, 'nx.json'), 'utf8');
  for (const template of templates)
    nx('g', '@nx-bpf/plugin:project', `a-${template}`, `--template=${template}`);
  nx('g', '@nx-bpf/plugin:program', 'second', '--project=a-xdp', '--type=tc');
  assert.equal(
    readFileSync(path.join(workspace, 'nx.json'), 'utf8'),
    before,
    'the plugin is registered once',
  );
  nx('run-many', '-t', 'bpf-build');
  for (const object of [
    ...templates.map((template) => `a-${template}/dist/bpf/dev/a-${template}`),
    'a-xdp/dist/bpf/dev/second',
  ])
    assert.ok(existsSync(path.join(workspace, `packages/${object}.bpf.o`)), `${object} is compiled`);
}

/** Loads, looks, tests and unloads a generated project, on a loopback interface and a bpffs of its own. */
function useGenerated() {
  if (process.getuid() !== 0) {
    if (process.env.CI === 'true') throw new Error('the generated project cannot be loaded: this needs root');
    return;
  }
  const steps = ['bpf-load', 'bpf-status', 'bpf-load', 'test', 'bpf-unload'].map((target) => [
    path.join(workspace, 'node_modules/.bin/nx'),
    ...['run', `a-xdp:${target}`, '--outputStyle=static'],
  ]);
  const script = [
    'mount -t bpf bpf /sys/fs/bpf && ip link set lo up',
    ...steps.map((words) => words.map((word) => `'${word}'`).join(' ')),
    'test -z "$(ls /sys/fs/bpf/nx-bpf)"',
  ].join(' && ');
  const said = stripVTControlCharacters(
    run('unshare', ['--mount', '--net', 'sh', '-c', script], { cwd: workspace, env: nxEnvironment }),
  );
  for (const words of [
    'a-xdp@dev is at generation 1',
    'xdp on lo (generic)',
    'a-xdp@dev: healthy',
    'nothing to do: a-xdp@dev',
    '# pass 1',
    'a-xdp@dev removed: 2 links, 2 programs',
  ])
    assert.ok(said.includes(words), `a generated project's life says '${words}':\n${said}`);
}

/** The tarballs that `npm publish` would upload. */
function pack() {
  const names = ['loader', 'deploy', 'plugin'].map((name) => `--workspace=packages/${name}`);
  const packed = run(
    'npm',
    ['pack', ...names, '--json', '--loglevel=error', '--pack-destination', workspace],
    {
      cwd: root,
    },
  );
  return JSON.parse(packed).map(({ name, filename }) => [name, `file:./${filename}`]);
}

/** The project of the README, in a workspace of its own. */
function writeWorkspace(tarballs) {
  const write = (file, text) => {
    mkdirSync(path.dirname(path.join(workspace, file)), { recursive: true });
    writeFileSync(path.join(workspace, file), text);
  };
  write(
    'package.json',
    JSON.stringify({
      private: true,
      workspaces: ['packages/*'],
      dependencies: { ...Object.fromEntries(tarballs), nx: nxVersion, '@nx/devkit': nxVersion },
    }),
  );
  write(
    'nx.json',
    JSON.stringify({ plugins: ['@nx-bpf/plugin'], analytics: false, neverConnectToCloud: true }),
  );
  for (const [, text, file] of readme.matchAll(/^```(?:yaml|c)\n((?:#|\/\/) (\S+)\n.*?)^```$/gms))
    write(file, text);
}

function nx(...args) {
  return run(path.join(workspace, 'node_modules/.bin/nx'), args, { cwd: workspace, env: nxEnvironment });
}
