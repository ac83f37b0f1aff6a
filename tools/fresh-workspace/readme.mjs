import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup/index.mjs';

/** The README's project: written down as it is shown, it has its targets and compiles. */
export async function readmeProject(workspace) {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  for (const [, text, file] of readme.matchAll(/^```(?:yaml|c)\n((?:#|\/\/) (\S+)\n.*?)^```$/gms))
    workspace.write(file, text);

  const project = JSON.parse(await workspace.nx(['show', 'project', 'probe', '--json']));
  const targets = Object.keys(project.targets);
  for (const target of ['bpf-build', 'bpf-load', 'bpf-status', 'bpf-unload'])
    assert.ok(targets.includes(target), `the plugin infers ${target}: ${targets.join(', ')}`);

  await workspace.nx(['run', 'probe:bpf-build']);
  const object = workspace.path('packages/probe/dist/bpf/dev/probe.bpf.o');
  assert.ok(existsSync(object), `bpf-build writes ${object}`);
  const inspected = await workspace.command('node_modules/.bin/nx-bpf', ['inspect', object, '--json']);
  assert.match(inspected, /"count_packets"/);
}
