/**
 * Builds and packs the packages, installs them in an empty Nx workspace elsewhere and builds the README's project
 * there: what a user gets must not lean on anything of this repository, and what the README shows must work.
 *
 *     node tools/pack-check.mjs [version of Nx]
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { quickEnvironment, root, run } from './setup/index.mjs';

const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const { dependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const nxVersion = process.argv[2] ?? dependencies.nx;

run(process.execPath, ['tools/build.mjs', '--noCheck'], { cwd: root, env: quickEnvironment });

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
  console.log(`packed, installed and used with Nx ${nxVersion}`);
} finally {
  rmSync(workspace, { recursive: true, force: true });
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
  return run(path.join(workspace, 'node_modules/.bin/nx'), args, {
    cwd: workspace,
    env: { ...quickEnvironment, NX_DAEMON: 'false', NX_TUI: 'false', CI: 'true' },
  });
}
