import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const command = path.resolve(__dirname, '../vm');
/** Milliseconds: a guest takes ten seconds where nothing else runs. */
const patience = 120_000;

interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs tools/vm; its cache is the user's, so that kernels are downloaded once. */
function vm(...args: string[]): Promise<Ended> {
  const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { output: '', errors: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said.output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said.errors += chunk));
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, ...said }));
  });
}

/** What one kernel said, of several. */
function linesOf(kernel: string, text: string): string[] {
  const start = `${kernel} | `;
  const lines = text.split('\n').filter((line) => line.startsWith(start));
  return lines.map((line) => line.slice(start.length));
}

describe('tools/vm', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-vm-test-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test(
    'on kernels side by side: a copied file, both outputs, the exit status, and the console that is kept',
    async () => {
      const file = path.join(directory, "it's here");
      writeFileSync(file, 'copied\n');
      const script = 'cat "$1"; uname -r; nx-bpf --version; id -u; echo trouble >&2; exit 7';
      const ended = await vm('--copy', `${file}:/it`, '6.1', '6.12', '--', 'sh', '-c', script, 'sh', '/it');
      for (const kernel of ['6.1', '6.12']) {
        const [copied, release, version, user, ...more] = linesOf(kernel, ended.output);
        expect([copied, user, more]).toEqual(['copied', '0', []]);
        expect(release).toContain(`${kernel}.`);
        expect(version).toMatch(/^\d+\.\d+\.\d+$/);
        expect(linesOf(kernel, ended.errors)).toEqual(['trouble']);
      }
      expect(ended.status).toBe(7);
      const kept = /^6\.12 \(.*\): the command ended with 7, after .* s; console: (.*)$/m.exec(
        ended.errors,
      )?.[1];
      expect(existsSync(kept!) && readFileSync(kept!, 'utf8')).toContain('Power down');
    },
    patience,
  );

  test(
    'a guest that takes too long is ended',
    async () => {
      const ended = await vm('--timeout', '3', '6.1', '--', 'sleep', '1000');
      expect(ended.errors).toMatch(/^6\.1 \(.*\): the guest was ended after 3 s, after /);
      expect(ended.status).toBe(124);
    },
    patience,
  );

  test('what is asked wrongly is refused before anything boots', async () => {
    expect(await vm('6.1')).toMatchObject({
      status: 125,
      errors: expect.stringContaining('KERNEL') as string,
    });
    expect(await vm('six', '--', 'true')).toMatchObject({
      status: 125,
      errors: "'six' names no kernel: expected 6.1, 6.12 or 6.12-full\n",
    });
    expect(await vm('--timeout', 'no', '6.1', '--', 'true')).toMatchObject({ status: 125 });
    expect(await vm('--module', 'no_such', '6.1', '--', 'true')).toMatchObject({
      status: 125,
      errors: expect.stringContaining("has no module 'no_such'") as string,
    });
  });
});
