import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const command = path.resolve(__dirname, '../vm');
const commandLine = path.resolve(__dirname, '../../packages/deploy/bin/nx-bpf.js');
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

/** A project that counts what comes in on the loopback interface, `step` a packet, as a file. */
function bundle(directory: string, step: number): string {
  const files = {
    'bpf.config.yaml': 'version: 1\n',
    'p/package.json': '{ "name": "p" }',
    'p/bpf.config.yaml': `version: 1
objects: { edge: { constants: { step: ${step} } } }
programs: { guard: { attach: [{ id: uplink, xdp: { interface: lo, mode: generic } }] } }
`,
    'p/src/edge.bpf.c': `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile __u32 step = 1;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
SEC("xdp") int guard(struct xdp_md *ctx) {
  __u32 zero = 0;
  __u64 *count = bpf_map_lookup_elem(&hits, &zero);
  if (count) __sync_fetch_and_add(count, step);
  return XDP_PASS;
}
char LICENSE[] SEC("license") = "GPL";
`,
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
  const file = path.join(directory, `step-${step}.nxbpf`);
  execFileSync(process.execPath, [commandLine, 'bundle', 'p', '--out', file], { cwd: directory });
  return file;
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
    'a bundle is deployed on older kernels: it counts, is looked into, upgraded, rolled back and removed',
    async () => {
      const [first, second] = [1, 100].map((step) => bundle(directory, step));
      const pins = '/sys/fs/bpf/nx-bpf/p/dev';
      const script = [
        'nx-bpf apply --bundle /first >/dev/null',
        'ping -q -c 2 -i 0.1 127.0.0.1 >/dev/null',
        `nx-bpf map lookup ${pins}/maps/hits 0`,
        'nx-bpf apply --bundle /second >/dev/null',
        'ping -q -c 1 127.0.0.1 >/dev/null',
        `nx-bpf map lookup ${pins}/maps/hits 0`,
        'nx-bpf rollback --bundle /second >/dev/null',
        'ping -q -c 1 127.0.0.1 >/dev/null',
        `nx-bpf map lookup ${pins}/maps/hits 0`,
        'nx-bpf status --bundle /second | head -n 1',
        'nx-bpf destroy --bundle /second',
        'find /sys/fs/bpf -type f',
      ].join(' && ');
      const copies = ['--copy', `${first!}:/first`, '--copy', `${second!}:/second`];
      const ended = await vm(...copies, '6.1', '6.12', '--', 'sh', '-c', script);
      expect(ended.errors).toBe('');
      for (const kernel of ['6.1', '6.12']) {
        const [once, upgraded, back, status, removed, ...left] = linesOf(kernel, ended.output);
        // A ping over the loopback interface comes in twice: there and back.
        expect([once, upgraded, back].map(Number)).toEqual([4, 204, 206]);
        expect(status).toMatch(/^p@dev: healthy, generation 3, rolled back from 2/);
        expect([removed, left]).toEqual(['p@dev removed: 1 link, 1 program, 2 maps', []]);
      }
      expect(ended.status).toBe(0);
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
