import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../testing/kernel';

const document = fs.readFileSync(path.resolve(__dirname, '../../docs/tutorial.md'), 'utf8');
const bin = path.resolve(__dirname, '../../packages/deploy/bin/nx-bpf.js');

/** A command of the page, and what it says that the command prints. */
interface Step {
  readonly command: string;
  readonly prints: readonly string[];
}

/** Files, each with its name in a comment of its first line. */
const files = [...document.matchAll(/^```(?:c|yaml)\n(?:\/\/|#) (\S+)\n(.*?)^```$/gms)].map(
  ([, name, text]) => ({ name: name!, text: text! }),
);

const steps = document
  .replaceAll(/^```(?:c|yaml)\n.*?^```$/gms, '')
  .split('\n')
  .filter((line) => line.startsWith('    '))
  .map((line) => line.slice(4))
  .reduce<Step[]>((found, line) => {
    if (line.startsWith('$ ')) return [...found, { command: line.slice(2), prints: [] }];
    const { command, prints } = found.at(-1)!;
    return [...found.slice(0, -1), { command, prints: [...prints, line.trim()] }];
  }, []);

/** What a test machine has: the packages, and this repository in place of what npm would install. */
const installing = /^(?:apt-get|npm) /;

kernelSuite('docs/tutorial.md', (kernel) => {
  test('every command prints what the page says, and leaves nothing', { timeout: 300_000 }, () => {
    const at = (...names: string[]): string => path.join(kernel.directory, ...names);
    fs.mkdirSync(at('bin'));
    fs.writeFileSync(at('package.json'), '{}');
    const npx = `#!/bin/sh\n[ "$1" = nx-bpf ] || exit 127\nshift\nexec '${process.execPath}' '${bin}' "$@"\n`;
    fs.writeFileSync(at('bin/npx'), npx, { mode: 0o755 });
    for (const { name, text } of files) {
      fs.mkdirSync(path.dirname(at(name)), { recursive: true });
      fs.writeFileSync(at(name), text);
    }
    expect(files.map(({ name }) => name)).toEqual([
      'guard/src/guard.bpf.c',
      'bpf.config.yaml',
      'guard/bpf.config.yaml',
    ]);
    const run = (command: string): string => {
      const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', command], {
        cwd: kernel.directory,
        encoding: 'utf8',
        env: {
          PATH: `${at('bin')}:${process.env['PATH']}`,
          NO_COLOR: '1',
          XDG_CACHE_HOME: at('cache'),
        },
      });
      return stdout + stderr;
    };
    try {
      for (const { command, prints } of steps) {
        if (installing.test(command)) continue;
        const printed = run(command);
        for (const line of prints) expect(printed, command).toContain(line);
        // What is not shown to fail must not.
        if (prints.length === 0) expect(printed, command).not.toMatch(/^error |Error|cannot/m);
      }
    } finally {
      run(
        'npx nx-bpf destroy guard -e watch; npx nx-bpf destroy guard -e drop; ip link del lab0; ip netns del lab',
      );
    }
    expect(steps.length).toBeGreaterThan(25);
  });
});
