import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { median, table } from './table';

const root = path.resolve(__dirname, '../..');
const rounds = 20;

/**
 * How long commands take as processes beside `node -e 0`, in turns. What is measured is the command as it is published
 * (`npm run build`, then the files of the package in another place), with its code cache, its memory of the manifest
 * and the relocation cache filled by a first run; and the same from this checkout's source.
 */
export function run(): void {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-bench-start-'));
  const pins = fs.mkdtempSync('/sys/fs/bpf/nx-bpf-bench-start-');
  try {
    const env: NodeJS.ProcessEnv = { ...process.env, XDG_CACHE_HOME: path.join(home, 'cache') };
    // Node would parse a whole bundle of certificates at its start.
    delete env['NODE_EXTRA_CA_CERTS'];
    const published = publish(home);
    const source = path.join(root, 'packages/deploy/bin/nx-bpf.js');
    const node = (...args: string[]): void => {
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' });
      if (status !== 0) throw new Error(`node ${args.join(' ')}: ${stderr}`);
    };
    node(source, 'build', 'agent');
    const object = path.join(root, 'packages/agent/dist/bpf/dev/edge.bpf.o');
    const place = path.join(pins, 'load');
    const commands: Readonly<Record<string, () => void>> = {
      'node -e 0': () => node('-e', '0'),
      'nx-bpf --version': () => node(published, '--version'),
      'nx-bpf load, relocation cache hit': () => node(published, 'load', object, '--pin', place),
      'nx-bpf unload': () => node(published, 'unload', place),
      'nx-bpf build, nothing to do': () => node(published, 'build', 'agent'),
      'nx-bpf plan': () => node(published, 'plan', 'agent'),
      'nx-bpf plan, from source': () => node(source, 'plan', 'agent'),
    };
    // The first makes the caches, the second remembers the manifest.
    for (let i = 0; i < 2; i++) for (const command of Object.values(commands)) command();
    const times = new Map(Object.keys(commands).map((name): [string, number[]] => [name, []]));
    for (let i = 0; i < rounds; i++) {
      for (const [name, command] of Object.entries(commands)) {
        const start = performance.now();
        command();
        times.get(name)!.push(performance.now() - start);
      }
    }
    const bare = times.get('node -e 0')!;
    table(
      ['process', 'ms', 'above node -e 0'],
      [...times].map(([name, all]) => [
        name,
        median(all).toFixed(1),
        median(all.map((each, i) => each - bare[i]!)).toFixed(1),
      ]),
    );
  } finally {
    fs.rmSync(home, { recursive: true });
    fs.rmdirSync(pins);
  }
}

/** The package's files as npm installs them, in a place that is no checkout. Returns the command. */
function publish(home: string): string {
  const modules = path.join(home, 'node_modules');
  const from = path.join(root, 'packages/deploy');
  const to = path.join(modules, '@nx-bpf/deploy');
  fs.mkdirSync(modules);
  for (const part of ['bin', 'dist', 'package.json']) {
    fs.cpSync(path.join(from, part), path.join(to, part), { recursive: true });
  }
  for (const name of ['koffi', '@koromix', 'zod', 'tar']) {
    fs.symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
  }
  return path.join(to, 'bin/nx-bpf.js');
}
