/**
 * Builds and packs the packages, installs them in an empty Nx workspace elsewhere and uses them there: what a user
 * gets must not lean on anything of this repository.
 *
 *     node tools/pack-check.mjs [version of Nx]
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { quickEnvironment, root, run } from './setup/index.mjs';

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
  const object = path.join(workspace, 'probe/dist/bpf/dev/probe.bpf.o');
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

/** The least workspace with one program. */
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
  write('probe/bpf.config.yaml', 'version: 1\nobjects:\n  probe: { source: src/probe.bpf.c }\n');
  write(
    'probe/src/probe.bpf.c',
    `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("xdp")
int count_packets(struct xdp_md *context)
{
	return XDP_PASS;
}
`,
  );
}

function nx(...args) {
  return run(path.join(workspace, 'node_modules/.bin/nx'), args, {
    cwd: workspace,
    env: { ...quickEnvironment, NX_DAEMON: 'false', NX_TUI: 'false', CI: 'true' },
  });
}
