import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findClang } from './find-clang';

let directory = '';

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'clang-'));
  vi.stubEnv('PATH', directory);
});

afterEach(() => {
  vi.unstubAllEnvs();
  fs.rmSync(directory, { recursive: true });
});

function install(name: string, version: string, targets: string): void {
  const script = `#!/bin/sh\ncase $1 in --version) echo '${version}';; *) echo '${targets}';; esac\n`;
  fs.writeFileSync(path.join(directory, name), script, { mode: 0o755 });
}

const good = 'Debian clang version 19.1.7 (3~deb12u1)';

test('plain clang may be any version that is there, the newest first', async () => {
  install('clang-15', 'clang version 15.0.6', '  bpf - BPF');
  install('clang-19', good, '  bpf - BPF');
  expect(await findClang('clang')).toEqual({
    path: path.join(directory, 'clang-19'),
    version: 19,
    identity: good,
  });
  install('clang', 'clang version 14.0.0', '  bpf - BPF');
  expect((await findClang('clang')).version).toBe(14);
});

test('a version or a path means just that', async () => {
  install('clang-19', good, '  bpf - BPF');
  expect((await findClang(path.join(directory, 'clang-19'))).version).toBe(19);
  await expect(findClang('clang-18')).rejects.toMatchObject({
    code: 'TOOLCHAIN_NOT_FOUND',
    exitStatus: 4,
    message: `no 'clang-18' in PATH (${directory}); install one: on Debian, apt install clang-18; or name another as toolchain.clang in the manifest`,
  });
  await expect(findClang('/nowhere/clang')).rejects.toThrow(
    "no '/nowhere/clang'; install one: on Debian, apt install clang;",
  );
});

test('without any, the message says what was looked for', async () => {
  await expect(findClang('clang')).rejects.toThrow(
    `no 'clang' nor 'clang-22' to 'clang-14' in PATH (${directory}); install one: on Debian, apt install clang;`,
  );
});

test('what is too old, no clang, or cannot do BPF', async () => {
  install('clang', 'clang version 11.1.0', '  bpf - BPF');
  await expect(findClang('clang')).rejects.toThrow(
    "found 'clang version 11.1.0', expected clang 14 or newer",
  );
  install('clang', 'gcc (Debian) 12', '');
  await expect(findClang('clang')).rejects.toThrow("is not a clang that will do: found 'gcc (Debian) 12'");
  install('clang', good, '  x86-64 - 64-bit X86');
  await expect(findClang('clang')).rejects.toThrow('cannot compile for BPF');
});

test('what it said of itself is remembered: it is not started again until its file is another', async () => {
  const memory = path.join(directory, 'memory');
  const calls = path.join(directory, 'calls');
  const script = (version: string): string =>
    `#!/bin/sh\necho >> ${calls}\ncase $1 in --version) echo '${version}';; *) echo '  bpf - BPF';; esac\n`;
  const called = (): number => fs.readFileSync(calls, 'utf8').length;
  const clang = path.join(directory, 'clang-19');
  fs.writeFileSync(clang, script(good), { mode: 0o755 });
  const found = await findClang('clang', memory);
  expect(called()).toBe(2);
  expect(await findClang('clang', memory)).toEqual(found);
  expect(called()).toBe(2);

  fs.writeFileSync(`${clang}.new`, script('clang version 19.1.8'), { mode: 0o755 });
  fs.renameSync(`${clang}.new`, clang);
  expect((await findClang('clang', memory)).identity).toBe('clang version 19.1.8');
  expect(called()).toBe(4);

  fs.chmodSync(memory, 0o777);
  expect((await findClang('clang', memory)).identity).toBe('clang version 19.1.8');
  expect(called()).toBe(6);
});
