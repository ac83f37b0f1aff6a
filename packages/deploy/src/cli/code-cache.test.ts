import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

// Plain JavaScript of the command, which runs before anything else is loaded.
const launcher = path.resolve(__dirname, '../../bin/code-cache.js');
const { usualFolder } = createRequire(__filename)(launcher) as {
  usualFolder: (environment: Record<string, string>) => string | undefined;
};

let home: string;
let file: string;
let folder: string;
beforeEach(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-code-'));
  file = path.join(home, 'program.js');
  folder = path.join(home, 'cache', 'code');
  fs.writeFileSync(file, 'exports.answer = () => 41 + 1;');
});
afterEach(() => {
  fs.rmSync(home, { recursive: true });
});

/** Runs the file in a process of its own, since V8 remembers what one has compiled: with its code cache, which is kept. */
function run(): { cached: boolean; answer: number } {
  const script = `
    const [launcher, file, folder] = process.argv.slice(1);
    const { cached, exports, keep } = require(launcher).loadCached(file, 'program', folder);
    console.log(JSON.stringify({ cached, answer: exports.answer() }));
    keep();`;
  const said = execFileSync(process.execPath, ['-e', script, launcher, file, folder], { encoding: 'utf8' });
  return JSON.parse(said) as { cached: boolean; answer: number };
}

test('what ran once is taken from the code cache afterwards', () => {
  expect(run()).toEqual({ cached: false, answer: 42 });
  expect(fs.readdirSync(folder)).toEqual(['program']);
  expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
  expect(run()).toEqual({ cached: true, answer: 42 });
});

test('a file that was changed since is compiled, and what it says now runs', () => {
  run();
  fs.writeFileSync(file, 'exports.answer = () => 43 + 1;');
  expect(run()).toEqual({ cached: false, answer: 44 });
  expect(run()).toEqual({ cached: true, answer: 44 });
});

test.each(['cache/code', 'cache'])('nothing is taken or kept where others can write %s', (shared) => {
  run();
  const kept = fs.readFileSync(path.join(folder, 'program'));
  fs.chmodSync(path.join(home, shared), 0o777);
  expect(run().cached).toBe(false);
  expect(fs.readFileSync(path.join(folder, 'program'))).toEqual(kept);
});

test.runIf(process.geteuid?.() === 0)('root takes nothing from a folder of another user', () => {
  run();
  fs.chownSync(path.join(home, 'cache'), 12345, 12345);
  expect(run().cached).toBe(false);
});

test('one that is cut short, or for another Node, is made anew', () => {
  run();
  const place = path.join(folder, 'program');
  const whole = fs.readFileSync(place);
  fs.writeFileSync(place, whole.subarray(0, whole.length - 8));
  expect(run()).toEqual({ cached: false, answer: 42 });
  expect(run().cached).toBe(true);
  const other = fs.readFileSync(place, 'latin1').replace(process.version, process.version.replace('v', 'w'));
  fs.writeFileSync(place, other, 'latin1');
  expect(run().cached).toBe(false);
});

test('it is in the home of the user, and nowhere for a user without one', () => {
  expect(usualFolder({ HOME: '/home/me' })).toBe('/home/me/.cache/nx-bpf/code');
  expect(usualFolder({ HOME: '/home/me', XDG_CACHE_HOME: '/var/cache/me' })).toBe(
    '/var/cache/me/nx-bpf/code',
  );
  expect(usualFolder({ XDG_CACHE_HOME: 'here' })).toBe(undefined);
  expect(usualFolder({})).toBe(undefined);
});
