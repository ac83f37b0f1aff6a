import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { terminalPicture } from './terminal';

/**
 * Makes docs/pictures/verify.svg out of what `nx-bpf verify` says of a project with a field and a hook that Linux 6.1
 * lacks, then of the agent by the running kernel. Needs root, apt and the kernels' packages, as the tests do.
 *
 *     node -r ./tools/run-source.js tools/pictures/verify.ts
 */
const source = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/sched_process_exec")
int cids(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	return task->last_mm_cid;
}

SEC("tp_btf/sched_process_exec")
int guarded(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	return bpf_core_field_exists(task->last_mm_cid) ? task->last_mm_cid : 0;
}

SEC("tcx/ingress")
int ingress(struct __sk_buff *skb)
{
	return TCX_PASS;
}
`;
const manifest = `version: 1
objects: { probe: {} }
programs:
  cids: {}
  guarded: {}
  ingress: { attach: [{ id: up, tcx: { interface: eth0, direction: ingress } }] }
`;

const root = path.resolve(__dirname, '../..');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-pictures-'));
try {
  fs.mkdirSync(path.join(work, 'probe/src'), { recursive: true });
  fs.copyFileSync(path.join(root, 'bpf.config.yaml'), path.join(work, 'bpf.config.yaml'));
  fs.writeFileSync(path.join(work, 'probe/bpf.config.yaml'), manifest);
  fs.writeFileSync(path.join(work, 'probe/src/probe.bpf.c'), source);
  const text = [
    ...shown(work, ['verify', 'probe']),
    '',
    ...shown(root, ['verify', 'agent', '--level', 'kernel']),
  ].join('\n');
  const title = 'nx-bpf verify: programs against three kernels, and by the running one';
  fs.writeFileSync(path.join(root, 'docs/pictures/verify.svg'), terminalPicture(text, title));
} finally {
  fs.rmSync(work, { recursive: true });
}

/** A command and what it prints, as in a terminal. */
function shown(cwd: string, args: readonly string[]): string[] {
  const command = path.join(root, 'node_modules/.bin/nx-bpf');
  const { stdout, stderr, status } = spawnSync(process.execPath, [command, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: '1' },
  });
  if (stdout === '') throw new Error(`nx-bpf ${args.join(' ')} ended with ${status}: ${stderr}`);
  return [
    `\u001b[2m$\u001b[22m \u001b[1mnpx nx-bpf ${args.join(' ')}\u001b[22m`,
    ...stdout.trimEnd().split('\n'),
  ];
}
