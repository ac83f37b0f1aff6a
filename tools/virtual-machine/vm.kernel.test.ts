import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileTraced } from '../testing/user-binary';

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

/**
 * A project that counts, `step` each time, as a file: packets by xdp and by a clsact, connections that use its congestion
 * control, and what passes the two places of a USDT probe. Linux 6.1 has neither tcx, nor links of struct_ops, nor
 * uprobe.multi.
 */
function bundle(directory: string, step: number): string {
  return bundleOf(directory, `step-${step}`, {
    manifest: `objects: { edge: { constants: { step: ${step} } } }
programs:
  guard: { attach: [{ id: uplink, xdp: { interface: lo, mode: generic } }] }
  police: { attach: [{ id: police, tc: { interface: lo, direction: ingress } }] }
  passed: { attach: [{ id: twice, usdt: { binary: /traced, provider: demo, name: twice } }] }
structOps: { congestion: { map: nx_guest } }`,
    source: `#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>
struct sock;
struct tcp_congestion_ops {
  void (*init)(struct sock *sk);
  unsigned int (*ssthresh)(struct sock *sk);
  void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
  unsigned int (*undo_cwnd)(struct sock *sk);
  char name[16];
};
const volatile __u32 step = 1;
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
static void count(__u32 index) {
  __u64 *hits_of = bpf_map_lookup_elem(&hits, &index);
  if (hits_of) __sync_fetch_and_add(hits_of, step);
}
static int is_icmp(unsigned char *data, void *end) { return (void *)(data + 24) <= end && data[23] == 1; }
SEC("xdp") int guard(struct xdp_md *ctx) {
  if (is_icmp((void *)(long)ctx->data, (void *)(long)ctx->data_end)) count(0);
  return XDP_PASS;
}
SEC("tc") int police(struct __sk_buff *skb) {
  if (is_icmp((void *)(long)skb->data, (void *)(long)skb->data_end)) count(1);
  return 0;
}
SEC("usdt") int passed(struct pt_regs *ctx) { count(2); return 0; }
SEC("struct_ops/init") void BPF_PROG(start, struct sock *sk) { count(3); }
SEC("struct_ops/ssthresh") unsigned int BPF_PROG(ssthresh, struct sock *sk) { return 7; }
SEC("struct_ops/cong_avoid") void BPF_PROG(avoid, struct sock *sk, unsigned int ack, unsigned int acked) {}
SEC("struct_ops/undo_cwnd") unsigned int BPF_PROG(undo, struct sock *sk) { return 8; }
SEC(".struct_ops") struct tcp_congestion_ops nx_guest = {
  .name = "nx_guest", .init = (void *)start, .ssthresh = (void *)ssthresh, .cong_avoid = (void *)avoid, .undo_cwnd = (void *)undo,
};`,
  });
}

/** A project that counts processes that start, in one of two ways, and packets in one of two. */
function bundleOfVariants(directory: string): string {
  return bundleOf(directory, 'variants', {
    manifest: `objects: { edge: {} }
programs:
  execs:
    variants:
      - { name: fast, when: { hook: fentry, kconfig: CONFIG_BPF=y }, function: on_fentry, attach: [{ fentry: {} }] }
      - { name: old, function: on_tracepoint, attach: [{ tracepoint: {} }] }
  packets:
    variants:
      - { name: tcx, when: { hook: tcx }, function: on_tcx, attach: [{ tcx: { interface: lo, direction: ingress } }] }
      - { name: xdp, when: { kernel: '<6.6' }, function: on_xdp, attach: [{ xdp: { interface: lo, mode: generic } }] }`,
    source: `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
static int count(__u32 index, int verdict) {
  __u64 *hits_of = bpf_map_lookup_elem(&hits, &index);
  if (hits_of) __sync_fetch_and_add(hits_of, 1);
  return verdict;
}
SEC("fentry/security_bprm_check") int on_fentry(void *ctx) { return count(0, 0); }
SEC("tp/sched/sched_process_exec") int on_tracepoint(void *ctx) { return count(1, 0); }
SEC("tcx/ingress") int on_tcx(struct __sk_buff *skb) { return count(2, -1); }
SEC("xdp") int on_xdp(struct xdp_md *ctx) { return count(3, XDP_PASS); }`,
  });
}

function bundleOf(
  directory: string,
  name: string,
  { manifest, source }: { readonly manifest: string; readonly source: string },
): string {
  const files = {
    'bpf.config.yaml': 'version: 1\n',
    'p/package.json': '{ "name": "p" }',
    'p/bpf.config.yaml': `version: 1\n${manifest}\n`,
    'p/src/edge.bpf.c': `#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>
${source}
char LICENSE[] SEC("license") = "GPL";
`,
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, file)), { recursive: true });
    writeFileSync(path.join(directory, file), text);
  }
  const file = path.join(directory, `${name}.nxbpf`);
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
    'a bundle is deployed on older kernels, by what these have instead: it counts, is upgraded, rolled back and removed',
    async () => {
      const [first, second] = [1, 100].map((step) => bundle(directory, step));
      const traced = compileTraced(path.join(directory, 'traced'));
      // A ping over the loopback interface comes in twice, there and back; both ends of a connection begin.
      const script = [
        'cd /proc/sys/net/ipv4',
        `look() {
           echo nx_guest >tcp_congestion_control
           nc -l -p 7 </dev/null & until nc 127.0.0.1 7 </dev/null 2>/dev/null; do sleep 0.1; done; wait
           echo cubic >tcp_congestion_control
           ping -q -c 1 127.0.0.1 >/dev/null; echo | /traced 3 >/dev/null
           nx-bpf map dump /sys/fs/bpf/nx-bpf/p/dev/maps/hits --json
         }`,
        'nx-bpf apply --bundle /first >/dev/null',
        'look',
        '(cd /sys/fs/bpf/nx-bpf/p/dev/links && find * | sort | xargs)',
        'nx-bpf apply --bundle /second >/dev/null',
        'look',
        'nx-bpf rollback --bundle /second >/dev/null',
        'look',
        'nx-bpf status --bundle /second | head -n 1',
        'nx-bpf destroy --bundle /second',
        'find /sys/fs/bpf -type f',
        '{ grep -o nx_guest tcp_available_congestion_control || true; }',
        '{ tc qdisc show dev lo | grep clsact || true; }',
        'nx-bpf prog list',
      ].join(' && ');
      const copies = [
        '--copy',
        `${first!}:/first`,
        '--copy',
        `${second!}:/second`,
        '--copy',
        `${traced}:/traced`,
      ];
      const ended = await vm('--timeout', '220', ...copies, '6.1', '6.12', '--', 'sh', '-c', script);
      expect(ended.errors).toBe('');
      for (const kernel of ['6.1', '6.12']) {
        const lines = linesOf(kernel, ended.output);
        const counted = (from: number): number[] =>
          (JSON.parse(lines.slice(from, from + 4).join('')) as { value: number }[]).map(({ value }) => value);
        expect([counted(0), counted(5), counted(9)]).toEqual([
          [2, 2, 6, 2],
          [202, 202, 606, 202],
          [204, 204, 612, 204],
        ]);
        // Without uprobe.multi each place of the probe has a link of its own.
        const places = kernel === '6.1' ? ' twice/0 twice/1' : '';
        expect(lines[4]?.trim()).toBe(`congestion police twice${places} uplink`);
        expect(lines[13]).toMatch(/^p@dev: healthy, generation 3, rolled back from 2/);
        expect(lines.slice(14)).toEqual(['p@dev removed: 4 links, 7 programs, 3 maps', 'no programs']);
      }
      expect(ended.status).toBe(0);
    },
    2 * patience,
  );

  test(
    'of variants each kernel gets the first that it has, and the plan says why',
    async () => {
      const file = bundleOfVariants(directory);
      const script = [
        'nx-bpf plan --bundle /variants | grep "^  program .*: variant" | sort',
        'nx-bpf apply --bundle /variants >/dev/null 2>&1',
        'true; /bin/true; ping -q -c 1 127.0.0.1 >/dev/null',
        'for i in 0 1 2 3; do nx-bpf map lookup /sys/fs/bpf/nx-bpf/p/dev/maps/hits $i; done',
        'nx-bpf destroy --bundle /variants >/dev/null',
      ].join(' && ');
      const ended = await vm('--copy', `${file}:/variants`, '6.1', '6.12', '--', 'sh', '-c', script);
      const seen = Object.fromEntries(
        ['6.1', '6.12'].map((kernel) => {
          const [execs, packets, ...hits] = linesOf(kernel, ended.output);
          return [
            kernel,
            { execs: execs?.trim(), packets: packets?.trim(), hits: hits.map((hit) => Number(hit) > 0) },
          ];
        }),
      );
      expect(seen).toEqual({
        '6.1': {
          execs: 'program execs: variant fast',
          packets: expect.stringMatching(
            /^program packets: variant xdp \(tcx does not hold: hook tcx: .*EINVAL/,
          ),
          hits: [true, false, false, true],
        },
        '6.12': {
          execs: 'program execs: variant fast',
          packets: 'program packets: variant tcx',
          hits: [true, false, true, false],
        },
      });
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
