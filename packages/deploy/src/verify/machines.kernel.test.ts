import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { run } from '../cli/run';
import { type Request } from '../cli/request';
import { bootImage } from './boot-image';

/** Milliseconds: a guest takes ten seconds where nothing else runs. */
const patience = 240_000;

const source = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
char LICENSE[] SEC("license") = "GPL";
SEC("tp_btf/sched_process_exec")
int plain(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	return task->last_mm_cid; // the field
}
SEC("tp_btf/sched_process_exec")
int guarded(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	return bpf_core_field_exists(task->last_mm_cid) ? task->last_mm_cid : 0;
}
extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) __weak __ksym;
SEC("xdp")
int calls(struct xdp_md *ctx)
{
	struct bpf_dynptr data;
	return bpf_dynptr_from_xdp(ctx, 0, &data) ? XDP_DROP : XDP_PASS; // the kfunc
}
SEC("xdp")
int asks(struct xdp_md *ctx)
{
	struct bpf_dynptr data;
	return bpf_dynptr_from_xdp && bpf_dynptr_from_xdp(ctx, 0, &data) ? XDP_DROP : XDP_PASS;
}
SEC("tcx/ingress")
int inward(struct __sk_buff *skb)
{
	return -1;
}
SEC("xdp")
int passed(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data == 64 ? XDP_PASS : XDP_DROP;
}
`;
const lineOf = (text: string): number => source.split('\n').findIndex((line) => line.includes(text)) + 1;

interface Program {
  readonly program: string;
  readonly loads: boolean;
  readonly insns: number | null;
  readonly attaches: readonly { readonly attaches: boolean | null }[];
  readonly runs: readonly { readonly passed: boolean }[];
  readonly errors: readonly { readonly code: string; readonly file?: string; readonly line?: number }[];
}
interface Kernel {
  readonly kernel: string;
  readonly release: string | null;
  readonly success: boolean;
  readonly seconds: number | null;
  readonly untried: string | null;
  readonly console: string | null;
  readonly programs: readonly Program[];
  readonly error: { readonly code: string; readonly message: string } | null;
}

kernelSuite('verify in virtual machines', () => {
  let root: string;
  let temporary: string;
  const before = process.env['TMPDIR'];
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-machines-'));
    temporary = path.join(root, 'temporary');
    fs.mkdirSync(temporary);
    process.env['TMPDIR'] = temporary;
    fs.mkdirSync(path.join(root, 'agent/src'), { recursive: true });
    fs.writeFileSync(path.join(root, 'agent/src/new.bpf.c'), source);
  });
  afterEach(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    fs.rmSync(root, { recursive: true });
  });

  const manifest = (kernels: string, programs: string): void => {
    fs.writeFileSync(path.join(root, 'bpf.config.yaml'), `version: 1\nkernels: ${kernels}\n`);
    fs.writeFileSync(
      path.join(root, 'agent/bpf.config.yaml'),
      `version: 1\nobjects: { new: {} }\nprograms: ${programs}\nrun: [{ program: passed, expect: { return: XDP_PASS } }]\n`,
    );
  };
  async function verified(request: Partial<Request>) {
    const { exitStatus, result } = await run('verify', { workspaceRoot: root, project: 'agent', ...request });
    return {
      exitStatus,
      result: result as { levels: readonly { kernels: readonly Kernel[] }[]; kernels: readonly Kernel[] },
    };
  }
  /** Puts Debian's 6.1 into the workspace as a file. @returns the directory of its modules */
  const asFile = (): string => {
    const btf = { package: 'linux-image-6.1.*-cloud-amd64-unsigned' };
    const kernel = { btf, image: undefined, modules: undefined, config: undefined, required: true };
    const packaged = bootImage('old', kernel, () => undefined, { kernels: {}, frozen: false })!;
    fs.copyFileSync(packaged.image, path.join(root, 'vmlinuz'));
    return packaged.modules!;
  };
  const package61 = "{ package: 'linux-image-6.1.*-cloud-amd64-unsigned' }";
  const only61 = `{ old: { btf: ${package61} } }`;

  test(
    'what 6.1 lacks fails for 6.1 alone, at its line, and passes once guarded; what it cannot attach is told; and all of it once',
    async () => {
      // Without the links to sources that are elsewhere.
      const filter = (file: string): boolean => !fs.lstatSync(file).isSymbolicLink();
      fs.cpSync(asFile(), path.join(root, 'modules'), { recursive: true, filter });
      manifest(
        `{ old: { btf: ${package61}, image: vmlinuz, modules: modules }, new: { btf: { package: 'linux-image-6.12.*-cloud-amd64-unsigned' } } }`,
        '{ plain: {}, guarded: {}, calls: {}, asks: {}, inward: { attach: [{ id: up, tcx: { interface: lo, direction: ingress } }] }, passed: {} }',
      );
      const first = await verified({ level: 'offline,vm' });
      expect(first.exitStatus).toBe(15);
      const [offline, vm] = first.result.levels;
      for (const level of [offline!, vm!])
        expect(level.kernels.map(({ kernel, success }) => [kernel, success])).toEqual([
          ['new', true],
          ['old', false],
        ]);
      const [recent, old] = vm!.kernels.map(({ release, programs }) => {
        expect(programs.map(({ program }) => program)).toEqual([
          'asks',
          'calls',
          'guarded',
          'inward',
          'passed',
          'plain',
        ]);
        return { release, of: Object.fromEntries(programs.map((each) => [each.program, each])) };
      });
      expect(old!.release).toMatch(/^6\.1\./);
      expect(old!.of['plain']).toMatchObject({
        loads: false,
        errors: [{ file: './agent/src/new.bpf.c', line: lineOf('// the field') }],
      });
      expect(old!.of['calls']).toMatchObject({
        loads: false,
        errors: [{ file: './agent/src/new.bpf.c', line: lineOf('// the kfunc') }],
      });
      for (const program of ['guarded', 'asks'])
        expect(old!.of[program]).toMatchObject({ loads: true, errors: [] });
      // Linux 6.1 loads it, and has no such links.
      expect(old!.of['inward']).toMatchObject({
        loads: true,
        attaches: [{ id: 'up', hook: 'tcx', attaches: false }],
        errors: [{ code: 'ATTACH_FAILED' }],
      });
      expect(recent!.release).toMatch(/^6\.12\./);
      for (const program of ['plain', 'guarded', 'calls', 'asks', 'inward', 'passed'])
        expect(recent!.of[program]).toMatchObject({ loads: true, errors: [] });
      expect(recent!.of['inward']!.attaches).toMatchObject([{ attaches: true }]);
      for (const { of } of [old!, recent!]) {
        expect(of['passed']!.insns).toBeGreaterThan(0);
        expect(of['passed']!.runs).toMatchObject([{ passed: true }]);
      }

      const again = await verified({ level: 'vm' });
      expect(again.exitStatus).toBe(15);
      expect(again.result.kernels.map(({ seconds }) => seconds)).toEqual([null, null]);
      expect(again.result.kernels.map(({ programs }) => programs)).toEqual(
        vm!.kernels.map(({ programs }) => programs),
      );
      expect(fs.readdirSync(temporary)).toEqual([]);

      // Results do not know where the workspace is.
      const here = root;
      root = fs.mkdtempSync(`${here}-elsewhere-`);
      fs.cpSync(here, root, { recursive: true });
      const elsewhere = await verified({ level: 'vm' });
      fs.rmSync(root, { recursive: true });
      root = here;
      expect(elsewhere.exitStatus).toBe(15);
      expect(elsewhere.result.kernels).toEqual(again.result.kernels);
    },
    patience,
  );

  test('without QEMU and busybox it says what to install, all of it', async () => {
    manifest(only61, '{ passed: {} }');
    const bin = path.join(root, 'bin');
    fs.mkdirSync(bin);
    const others = fs.readdirSync('/usr/bin').filter((name) => !/^(qemu|busybox)/.test(name));
    for (const name of others) fs.symlinkSync(`/usr/bin/${name}`, path.join(bin, name));
    const place = process.env['PATH'];
    process.env['PATH'] = bin;
    try {
      const { exitStatus, result } = await verified({ level: 'vm' });
      expect(exitStatus).toBe(4);
      expect(result).toMatchObject({
        error: {
          code: 'TOOLCHAIN_NOT_FOUND',
          message: expect.stringContaining(
            'a virtual machine needs qemu-system-x86_64 and busybox: not found in PATH',
          ) as string,
          hint: 'on Debian: apt-get install qemu-system-x86 busybox-static',
        },
      });
    } finally {
      process.env['PATH'] = place;
    }
  });

  test('a kernel that cannot be tried fails if it is required, and else is said to be untried', async () => {
    fs.copyFileSync('/sys/kernel/btf/vmlinux', path.join(root, 'types.btf'));
    manifest('{ appliance: { btf: types.btf } }', '{ passed: {} }');
    const required = await verified({ level: 'vm' });
    expect(required.exitStatus).toBe(15);
    expect(required.result).toMatchObject({
      kernels: [{ success: false, untried: 'no image' }],
      error: {
        code: 'REQUIRED_KERNEL_FAILED',
        message: expect.stringContaining(
          'kernel appliance is required, and was not tried: no image',
        ) as string,
      },
    });
    manifest('{ appliance: { btf: types.btf, required: false } }', '{ passed: {} }');
    const optional = await verified({ level: 'vm' });
    expect(optional.exitStatus).toBe(0);
    expect(optional.result.kernels).toMatchObject([{ success: true, untried: 'no image', error: null }]);

    const command = path.resolve(__dirname, '../../bin/nx-bpf.js');
    const unprivileged = (kernels: string) => {
      manifest(kernels, '{ passed: {} }');
      const args = ['--bounding-set', '-all', process.execPath, command, 'verify', 'agent', '--level', 'vm'];
      const { status, stdout, stderr } = spawnSync('setpriv', args, { cwd: root, encoding: 'utf8' });
      return { status, said: stdout + stderr };
    };
    // Without any kernel in the manifest it is the running one.
    for (const kernels of ['{ here: { btf: kernel } }', '{}']) {
      const { status, said } = unprivileged(kernels);
      expect(status).toBe(15);
      expect(said).toMatch(/kernel (here|running) is required, and was not tried: no privileges/);
    }
    const { status, said } = unprivileged('{ here: { btf: kernel, required: false } }');
    expect(status).toBe(0);
    expect(said).toContain('not tried: here');
  });

  test(
    'a guest that takes too long is ended, and fails its kernel alone; what its kernel said is kept',
    async () => {
      asFile();
      manifest(`{ slow: { btf: ${package61}, image: vmlinuz, required: false } }`, '{ passed: {} }');
      const { exitStatus, result } = await verified({ level: 'vm', timeout: 1 });
      expect(exitStatus).toBe(0);
      const [slow] = result.kernels;
      expect(slow).toMatchObject({ success: false, programs: [], error: { code: 'REQUIRED_KERNEL_FAILED' } });
      expect(slow!.error!.message).toContain('kernel slow: the guest was ended after 1 s');
      expect(fs.existsSync(path.join(root, slow!.console!))).toBe(true);
      expect(fs.readdirSync(temporary)).toEqual([]);
    },
    patience,
  );

  test(
    'a signal ends the guests and leaves nothing',
    async () => {
      manifest(only61, '{ passed: {} }');
      const command = path.resolve(__dirname, '../../bin/nx-bpf.js');
      const child = spawn(process.execPath, [command, 'verify', 'agent', '--level', 'vm'], {
        cwd: root,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let errors = '';
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
      const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
      const guests = (): string[] => {
        const file = `/proc/${child.pid}/task/${child.pid}/children`;
        const ids = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split(' ').filter(Boolean) : [];
        return ids.filter(
          (id) =>
            /qemu/.test(readIfThere(`/proc/${id}/cmdline`)) &&
            /append/.test(readIfThere(`/proc/${id}/cmdline`)),
        );
      };
      await expect.poll(guests, { timeout: patience, interval: 50 }).toHaveLength(1);
      const [guest] = guests();
      child.kill('SIGINT');
      expect(await ended).toBe(130);
      expect(errors).toContain('INTERRUPTED');
      expect(fs.existsSync(`/proc/${guest}`)).toBe(false);
      expect(fs.readdirSync(temporary)).toEqual([]);
    },
    patience,
  );
});

function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
