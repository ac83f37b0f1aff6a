import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { root } from '../setup/index.mjs';
import { checkTypes } from './published.mjs';

/** What the loader's README shows, with the object of the main README's project: it counts what is sent to port 443. */
const traffic = `
  import { connect } from 'node:net';
  import { once } from 'node:events';
  await once(connect(443, '127.0.0.1'), 'error').catch(() => {});
`;

/** The loader by itself: koffi is all that it brings, and its README is true. */
export async function loaderAlone(workspace) {
  const alone = workspace.without('@nx-bpf/loader');
  try {
    const brought = Object.keys(JSON.parse(alone.read('node_modules/.package-lock.json')).packages);
    const others = brought.filter(
      (place) => !/^node_modules\/(@nx-bpf\/loader|koffi|@koromix\/koffi-.*)$/.test(place),
    );
    assert.deepEqual(others, [], 'what the loader brings besides koffi');

    alone.write('probe.bpf.o', workspace.read('packages/probe/dist/bpf/dev/probe.bpf.o'));
    const [example] = blocks('loader', 'ts');
    // Packets come between attaching and reading.
    const code = example.replace('\n\nfor', `\n${traffic}\nfor`);
    assert.notEqual(code, example);
    alone.write('example.mts', example);
    checkTypes(alone, [alone.path('example.mts')]);
    alone.write(
      'example.mjs',
      ts.transpile(code, { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 }),
    );
    if (!mayLoad()) return;
    const script = `ip link set lo up && exec '${process.execPath}' example.mjs`;
    const said = await alone.command('unshare', ['--net', 'sh', '-c', script]);
    assert.match(said, /^xdp on lo \(generic\)\n16777343 [1-9]\d*\n$/, '127.0.0.1 sent to port 443');
  } finally {
    alone.remove();
  }
}

/** The command line and its library without Nx: what its README shows, from the manifest to nothing left. */
export async function deployAlone(workspace) {
  const alone = workspace.without('@nx-bpf/loader', '@nx-bpf/deploy');
  try {
    for (const [index, file] of ['bpf.config.yaml', 'probe.bpf.c'].entries())
      alone.write(file, blocks('deploy', ['yaml', 'c'][index])[0]);
    const [example] = blocks('deploy', 'ts');
    alone.write('example.mts', example);
    checkTypes(alone, [alone.path('example.mts')]);
    alone.write('example.mjs', example);
    const built = await alone.command(process.execPath, ['example.mjs']);
    assert.match(built, /^true /m, `the library builds it:\n${built}`);
    const [commands] = [...readme('deploy').matchAll(/(?:^ {4}npx nx-bpf .*\n)+/gm)];
    const lines = commands[0]
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/)[0].split(' '));
    const kinds = lines.map(([, , kind]) => kind);
    assert.deepEqual(kinds, ['build', 'verify', 'plan', 'apply', 'status', 'rollback', 'destroy']);
    if (!mayLoad()) return;
    // There is nothing to go back to yet.
    const script = lines
      .filter(([, , kind]) => kind !== 'rollback')
      .map(([, , ...args]) => `'${alone.path('node_modules/.bin/nx-bpf')}' ${args.join(' ')}`);
    const all = [
      'mount -t bpf bpf /sys/fs/bpf',
      'ip link set lo up',
      ...script,
      'test -z "$(ls /sys/fs/bpf/nx-bpf)"',
    ];
    const said = await alone.command('unshare', ['--mount', '--net', 'sh', '-c', all.join(' && ')]);
    for (const words of ['probe@dev is at generation 1', 'probe@dev: healthy', 'probe@dev removed'])
      assert.ok(said.includes(words), `deploy alone says '${words}':\n${said}`);
  } finally {
    alone.remove();
  }
}

function readme(name) {
  return readFileSync(path.join(root, 'packages', name, 'README.md'), 'utf8');
}

/** The blocks of a README in a language, in their order. */
function blocks(name, language) {
  const all = [...readme(name).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))];
  return all.map(([, text]) => text);
}

function mayLoad() {
  if (process.getuid() === 0) return true;
  if (process.env.CI === 'true') throw new Error('what the READMEs show cannot be loaded: this needs root');
  return false;
}
