import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { CommandLine, type Ended } from '../../../../tools/testing/command-line';
import { kernelSuite } from '../../../../tools/testing/kernel';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
const volatile __u32 step = 1;
__u64 seen;
SEC("xdp") int guard(struct xdp_md *ctx) { __sync_fetch_and_add(&seen, step); return XDP_PASS; }
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('a bundle on a host', (kernel) => {
  const command = new CommandLine(kernel);
  const write = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(kernel.directory, file)), { recursive: true });
    fs.writeFileSync(path.join(kernel.directory, file), text);
  };
  /** As on a host: no compiler is found, and the checkout is gone. */
  const onHost = (...args: string[]): Ended => command.runAs(['env', 'PATH=/nowhere'], ...args);

  test('built and locked elsewhere, applied, looked at and removed without a checkout or a compiler', async () => {
    await kernel.withVeth((veth) => {
      write(
        'bpf.config.yaml',
        `version: 1\npin: { root: ${kernel.bpffs}/nx-bpf }\nenvironments: { dev: {}, prod: {} }\nkernels: { here: { btf: here.btf } }\n`,
      );
      fs.copyFileSync('/sys/kernel/btf/vmlinux', path.join(kernel.directory, 'here.btf'));
      write('p/package.json', '{ "name": "p" }');
      write('p/src/edge.bpf.c', source);
      write(
        'p/bpf.config.yaml',
        `version: 1
objects: { edge: {} }
programs: { guard: { attach: [{ id: uplink, xdp: { interface: ${veth.interface} } }] } }
environments: { prod: { deploy: { requireLock: true }, objects: { edge: { constants: { step: 100 } } } } }
`,
      );
      const file = path.join(kernel.directory, 'p-prod.nxbpf');
      const bundle = (): Ended => command.run('bundle', 'p', '-e', 'prod', '--out', file);
      const unlocked = bundle();
      expect(unlocked.status).toBe(16);
      expect(unlocked.stderr).toContain('p@prod is not in bpf.lock.json');

      expect(command.json('lock', 'p')).toMatchObject({ environments: ['dev', 'prod'], changed: true });
      expect(command.json('lock', 'p')).toMatchObject({ changed: false });
      expect(command.run('build', 'p', '-e', 'dev', '--frozen').status).toBe(0);
      expect(bundle().status).toBe(0);
      for (const name of ['p', 'bpf.config.yaml', 'bpf.lock.json', '.nx-bpf', 'here.btf'])
        fs.rmSync(path.join(kernel.directory, name), { recursive: true, force: true });

      const applied = onHost('apply', '--bundle', file, '--json');
      expect(applied.stderr).not.toContain('error');
      expect(applied.stderr).toContain('relocated for this kernel when it was bundled: here');
      expect(JSON.parse(applied.stdout)).toMatchObject({
        ...{ project: 'p', environment: 'prod', generation: 1 },
        objects: [{ name: 'edge', relocation: 'hit' }],
      });
      veth.sendFromFar(3);
      const data = BpfMap.open<number, { seen: number }>(
        path.join(kernel.bpffs, 'nx-bpf/p/prod/maps/edge_bss'),
      );
      expect(Number(data.lookup(0)?.seen)).toBe(300);
      data.close();

      expect(onHost('plan', '--bundle', file, '--detailed-exitcode').status).toBe(0);
      expect(onHost('apply', '--bundle', file).stdout).toContain('nothing to do');
      expect(onHost('status', '--bundle', file).stdout).toContain('healthy');
      expect(onHost('apply', '--bundle', file, '-e', 'dev')).toMatchObject({ status: 3 });
      expect(onHost('apply', '--bundle', file, '--set', 'a=1').stderr).toContain('--set and --bundle');
      expect(onHost('apply', 'q', '--bundle', file)).toMatchObject({
        status: 3,
        stderr: expect.stringContaining('is for another project: found p, expected q') as string,
      });
      expect(onHost('apply', 'p', '--bundle', file, '--frozen').stderr).toContain('--frozen and --bundle');
      expect(onHost('apply', 'p', '--bundle', file, '--watch').stderr).toContain('--watch and --bundle');
      expect(onHost('destroy', '--bundle', file).status).toBe(0);
      expect(fs.existsSync(path.join(kernel.bpffs, 'nx-bpf'))).toBe(false);

      const bytes = fs.readFileSync(file);
      const at = bytes.indexOf('guard');
      bytes[at] = bytes[at]! ^ 1;
      fs.writeFileSync(file, bytes);
      expect(onHost('apply', '--bundle', file)).toMatchObject({ status: 3 });
      expect(fs.existsSync(path.join(kernel.bpffs, 'nx-bpf'))).toBe(false);
    });
  });

  test('--signed-by: no signature, one by another key, a changed byte; and a manifest that asks for one', () => {
    const key = (name: string): string => path.join(kernel.directory, name);
    const minisign = (...args: string[]): void => {
      expect(spawnSync('minisign', args, { encoding: 'utf8' })).toMatchObject({ status: 0 });
    };
    for (const name of ['good', 'other']) minisign('-G', '-W', '-p', key(`${name}.pub`), '-s', key(name));
    const goodKey = fs.readFileSync(key('good.pub'), 'utf8').split('\n')[1]!;
    write('bpf.config.yaml', `version: 1\npin: { root: ${kernel.bpffs}/nx-bpf }\n`);
    write('p/package.json', '{ "name": "p" }');
    write('p/src/edge.bpf.c', source);
    write('p/bpf.config.yaml', 'version: 1\nobjects: { edge: {} }\nprograms: { guard: {} }\n');
    const file = path.join(kernel.directory, 'signed.nxbpf');
    const bundle = (...args: string[]): Ended => command.run('bundle', 'p', '--out', file, ...args);
    const apply = (...args: string[]): { status: number | null; code: string | undefined } => {
      const { status, stdout } = onHost('apply', '--bundle', file, ...args, '--json');
      const { error } = JSON.parse(stdout) as { error: { code: string } | null };
      expect(fs.existsSync(path.join(kernel.bpffs, 'nx-bpf'))).toBe(status === 0);
      return { status, code: error?.code };
    };
    expect(bundle().status).toBe(0);
    const byGood = ['--signed-by', key('good.pub')];
    expect(apply(...byGood)).toEqual({ status: 16, code: 'SIGNATURE_MISSING' });
    minisign('-S', '-W', '-s', key('other'), '-m', file);
    expect(apply(...byGood)).toEqual({ status: 16, code: 'SIGNATURE_INVALID' });
    expect(apply('--signature', `${file}.minisig`)).toEqual({ status: 3, code: 'USAGE' });
    expect(apply(...byGood, '--signature', key('none'))).toEqual({ status: 1, code: 'FILE' });
    minisign('-S', '-W', '-s', key('good'), '-m', file, '-x', key('elsewhere'));
    const bytes = fs.readFileSync(file);
    fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, -1), Buffer.from([1])]));
    expect(apply(...byGood, '--signature', key('elsewhere'))).toEqual({
      status: 16,
      code: 'SIGNATURE_INVALID',
    });
    fs.writeFileSync(file, bytes);
    // As text, and beside a key that is not the one.
    const keys = ['--signed-by', key('other.pub'), '--signed-by', goodKey];
    const applied = onHost('apply', '--bundle', file, ...keys, '--signature', key('elsewhere'));
    expect(applied).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/signed by [0-9A-F]{16}: /) as string,
    });
    expect(onHost('destroy', '--bundle', file).status).toBe(0);

    fs.rmSync(`${file}.minisig`);
    expect(bundle('--set', `deploy.signedBy=[${goodKey}]`).status).toBe(0);
    expect(apply()).toEqual({ status: 16, code: 'SIGNATURE_MISSING' });
    minisign('-S', '-W', '-s', key('good'), '-m', file);
    expect(apply()).toEqual({ status: 0, code: undefined });
    expect(onHost('destroy', '--bundle', file).stderr).toContain('the bundle itself names this key');
  });
});
