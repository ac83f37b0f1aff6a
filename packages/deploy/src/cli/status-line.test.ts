import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isWatched, StatusLine } from './status-line';

const command = path.resolve(__dirname, '../../bin/nx-bpf.js');
const objects = ['edge', 'guard', 'probe'];
const aLine = /compiling \d of 3: (edge|guard|probe)/;

let root = '';
beforeAll(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-status-'));
  const write = (file: string, text: string, mode?: number): void => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text, { mode });
  };
  // Long enough to be worth a line, on any machine.
  write('clang', '#!/bin/sh\nsleep 0.4\nexec clang-19 "$@"\n', 0o755);
  write('bpf.config.yaml', `version: 1\ntoolchain: { clang: ${root}/clang }\n`);
  write('p/package.json', '{ "name": "p" }');
  write('p/bpf.config.yaml', `version: 1\nobjects:\n${objects.map((name) => `  ${name}: {}\n`).join('')}`);
  for (const name of objects)
    write(
      `p/src/${name}.bpf.c`,
      `__attribute__((section("xdp"), used)) int ${name}(void *c) { return 2; }\n`,
    );
});
beforeEach(() => fs.rmSync(path.join(root, 'p/dist'), { recursive: true, force: true }));
afterAll(() => fs.rmSync(root, { recursive: true }));

const environment = { PATH: process.env['PATH'], TERM: 'xterm-256color' };

/** A build in a terminal of its own: `script` of bsdutils, which every Debian has, gives it one. */
function inTerminal(more: Record<string, string> = {}, options = ''): string {
  const line = `'${process.execPath}' '${command}' build p ${options}`;
  const { stdout, status } = spawnSync('script', ['-qec', line, '/dev/null'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...environment, ...more },
  });
  expect(status).toBe(0);
  return stdout;
}

function inPipe(): { stdout: string; stderr: string } {
  return spawnSync(process.execPath, [command, 'build', 'p'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...environment, FORCE_COLOR: '1' },
  });
}

/** What a terminal still shows at the end: of each line, what came after it was last erased. */
function shown(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/\r$/, '').split('\r\x1b[K').at(-1))
    .join('\n');
}

describe('a build of several objects', { timeout: 60_000 }, () => {
  test('says in a terminal where it is, and leaves nothing of that', () => {
    const said = inTerminal();
    expect(said).toMatch(aLine);
    expect(shown(said)).not.toMatch(/compiling/);
    fs.rmSync(path.join(root, 'p/dist'), { recursive: true });
    const { stdout, stderr } = inPipe();
    expect(stderr).toBe('');
    expect(shown(said)).toBe(stdout);
  });

  test.each<{ title: string; more?: Record<string, string>; options?: string }>([
    { title: 'in CI', more: { CI: 'true' } },
    { title: 'in a task of Nx', more: { NX_TASK_TARGET_PROJECT: 'p' } },
    { title: 'in a terminal that cannot erase', more: { TERM: 'dumb' } },
    { title: 'with --json', options: '--json' },
  ])('$title it does not', ({ more = {}, options = '' }) => {
    const said = inTerminal(more, options);
    expect(said).not.toMatch(aLine);
    expect(said).not.toContain('\x1b[K');
  });

  test('NO_COLOR: the line has no colour either', () => {
    const said = inTerminal({ NO_COLOR: '1' });
    expect(said).toMatch(aLine);
    // eslint-disable-next-line no-control-regex -- escape sequences are what is looked for
    expect(said).not.toMatch(/\x1b\[[\d;]*m/);
  });
});

test('who looks: a terminal, and nothing that keeps what it shows', () => {
  expect(isWatched({ isTTY: true }, {})).toBe(true);
  expect(isWatched({ isTTY: true }, { CI: 'false' })).toBe(true);
  expect(isWatched({ isTTY: false }, {})).toBe(false);
  expect(isWatched({ isTTY: true }, { CI: '1' })).toBe(false);
});

test('it is as wide as the terminal at most, since a line that wraps could not be erased', async () => {
  let said = '';
  const line = new StatusLine({ isTTY: true, columns: 20, write: (text) => (said += text) });
  await new Promise((resolve) => setTimeout(resolve, 350));
  line.show({ what: 'verifying for', name: 'a-kernel-with-a-long-name', number: 3, of: 51 });
  line.clear();
  line.end();
  // eslint-disable-next-line no-control-regex -- escape sequences are what is looked for
  expect(said.replaceAll(/\x1b\[\d+m/g, '')).toBe('\r\x1b[Kverifying for 3 of \r\x1b[K');
});

test('what is over soon draws nothing', () => {
  let said = '';
  const line = new StatusLine({ isTTY: true, columns: 80, write: (text) => (said += text) });
  for (let number = 1; number <= 9; number++) line.show({ what: 'compiling', name: 'edge', number, of: 9 });
  line.end();
  expect(said).toBe('');
});
