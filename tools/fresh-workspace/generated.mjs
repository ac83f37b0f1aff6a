import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';

const templates = ['xdp', 'tc', 'tracepoint', 'cgroup', 'kprobe', 'lsm', 'empty'];

/** A project from each template, in the workspace as it is: what is there already is not touched. */
export async function generatedProjects(workspace) {
  const before = workspace.read('nx.json');
  for (const template of templates)
    await workspace.nx(['g', '@nx-bpf/plugin:project', `a-${template}`, `--template=${template}`]);
  await workspace.nx(['g', '@nx-bpf/plugin:program', 'second', '--project=a-xdp', '--type=tc']);
  assert.deepEqual(workspace.read('nx.json'), before, 'the plugin is registered once');
  await workspace.nx(['run-many', '-t', 'bpf-build']);
  const objects = templates.map((template) => `a-${template}/dist/bpf/dev/a-${template}.bpf.o`);
  for (const object of [...objects, 'a-xdp/dist/bpf/dev/second.bpf.o'])
    assert.ok(existsSync(workspace.path('packages', object)), `${object} is compiled`);
}

/** Loads, looks, tests and unloads a generated project, on a loopback interface and a bpffs of its own. */
export async function lifeOfOne(workspace) {
  if (process.getuid() !== 0) {
    if (process.env.CI === 'true') throw new Error('the generated project cannot be loaded: this needs root');
    return;
  }
  const steps = ['bpf-load', 'bpf-status', 'bpf-load', 'test', 'bpf-unload'].map((target) =>
    [workspace.path('node_modules/.bin/nx'), 'run', `a-xdp:${target}`, '--outputStyle=static']
      .map((word) => `'${word}'`)
      .join(' '),
  );
  const script = [
    'mount -t bpf bpf /sys/fs/bpf && ip link set lo up',
    ...steps,
    'test -z "$(ls /sys/fs/bpf/nx-bpf)"',
  ].join(' && ');
  const said = await workspace.command('unshare', ['--mount', '--net', 'sh', '-c', script]);
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
