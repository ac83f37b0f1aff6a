import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { run } from '../cli/run';
import { type KernelVerdict } from './verdict';

/** Debian's own kernels, out of their packages: what 6.12 has and 6.1 has not. */
kernelSuite('verify for kernels of Debian', () => {
  let root: string;
  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-debian-'));
    fs.mkdirSync(path.join(root, 'agent/src'), { recursive: true });
    fs.writeFileSync(
      path.join(root, 'bpf.config.yaml'),
      `version: 1
kernels:
  debian-12: { btf: { package: 'linux-image-6.1.*-cloud-amd64-unsigned' } }
  debian-12-backports: { btf: { package: 'linux-image-6.12.*-cloud-amd64-unsigned' } }
  here: { btf: kernel, required: false }
`,
    );
  });
  afterEach(() => {
    fs.rmSync(root, { recursive: true });
  });

  /** One program, and where it is attached by the manifest. */
  async function verified(source: string, attach = '[]'): Promise<readonly KernelVerdict[]> {
    fs.writeFileSync(path.join(root, 'agent/src/new.bpf.c'), source);
    fs.writeFileSync(
      path.join(root, 'agent/bpf.config.yaml'),
      `version: 1\nobjects: { new: {} }\nprograms: { new: { attach: ${attach} } }\n`,
    );
    const { result, exitStatus } = await run('verify', { workspaceRoot: root, project: 'agent' });
    const { kernels } = result as { kernels: readonly KernelVerdict[] };
    expect(exitStatus).toBe(kernels.every(({ success, required }) => success || !required) ? 0 : 15);
    return kernels;
  }

  const relocates = (kernels: readonly KernelVerdict[]): Record<string, string> =>
    Object.fromEntries(kernels.map(({ kernel, programs }) => [kernel, programs[0]!.relocates]));
  const findings = (kernels: readonly KernelVerdict[], name: string) =>
    kernels.find(({ kernel }) => kernel === name)!.programs[0]!.findings;
  const lineOf = (source: string, text: string): number =>
    source.split('\n').findIndex((line) => line.includes(text)) + 1;

  // vmlinux.h is made from the running kernel, which has what is asked for.
  const header = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
char LICENSE[] SEC("license") = "GPL";
`;

  test('a field that 6.1 lacks fails for 6.1 alone, at its line, and passes once guarded', async () => {
    // Concurrency ids of Linux 6.3.
    const source = (guard: string) =>
      `${header}
SEC("tp_btf/sched_process_exec")
int new(unsigned long long *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	${guard}
	return task->last_mm_cid; // the field
}
`;
    const plain = source('');
    const kernels = await verified(plain);
    expect(relocates(kernels)).toEqual({ 'debian-12': 'no', 'debian-12-backports': 'yes', here: 'yes' });
    expect(findings(kernels, 'debian-12')).toMatchObject([
      {
        state: 'missing',
        name: 'struct task_struct.last_mm_cid',
        file: 'agent/src/new.bpf.c',
        line: lineOf(plain, 'the field'),
      },
    ]);

    const guarded = await verified(source('if (!bpf_core_field_exists(task->last_mm_cid)) return 0;'));
    expect(relocates(guarded)).toEqual({ 'debian-12': 'yes', 'debian-12-backports': 'yes', here: 'yes' });
    expect(findings(guarded, 'debian-12')).toMatchObject([{ state: 'guarded' }]);
  });

  test('a kfunc that 6.1 lacks, and one of a module', async () => {
    const source = (weak: string, guard: string) => `${header}
extern int bpf_dynptr_from_xdp(struct xdp_md *xdp, __u64 flags, struct bpf_dynptr *ptr) ${weak} __ksym;
SEC("xdp")
int new(struct xdp_md *ctx)
{
	struct bpf_dynptr data;
	${guard}
	bpf_dynptr_from_xdp(ctx, 0, &data); // the kfunc
	return XDP_PASS;
}
`;
    const strong = source('', '');
    const kernels = await verified(strong);
    expect(relocates(kernels)).toEqual({ 'debian-12': 'no', 'debian-12-backports': 'yes', here: 'yes' });
    expect(findings(kernels, 'debian-12')).toMatchObject([
      { state: 'missing', code: 'EXTERN_UNRESOLVED', kind: 'kfunc', line: lineOf(strong, 'the kfunc') },
    ]);
    const guard = 'if (!bpf_dynptr_from_xdp) return XDP_PASS;';
    expect(relocates(await verified(source('__weak', guard)))).toMatchObject({ 'debian-12': 'yes' });
    // Weak alone does not do: it is called all the same.
    expect(relocates(await verified(source('__weak', '')))).toMatchObject({ 'debian-12': 'no' });

    const module = `${header}
extern void bpf_ct_release(struct nf_conn *ct) __ksym;
SEC("xdp")
int new(struct xdp_md *ctx)
{
	bpf_ct_release((void *)0);
	return XDP_PASS;
}
`.replace('#include "vmlinux.h"', 'struct nf_conn;\n#include "vmlinux.h"');
    const [first] = (await verified(module))[0]!.programs;
    expect(first!.requirements).toContainEqual(
      expect.objectContaining({ name: 'bpf_ct_release', state: 'found', answer: 'module nf_conntrack' }),
    );
  });

  test('packages are locked by their digest; --frozen refuses another one, and one that was never locked', async () => {
    await verified(`${header}SEC("xdp") int new(struct xdp_md *ctx) { return XDP_PASS; }\n`);
    const frozen = async () => {
      const request = { workspaceRoot: root, project: 'agent', frozen: true };
      const { exitStatus, result } = await run('verify', request);
      return { exitStatus, error: (result as { error: { code: string; message: string } | null }).error };
    };
    expect(await frozen()).toMatchObject({ exitStatus: 16, error: { code: 'LOCK_MISMATCH' } });
    expect((await run('lock', { workspaceRoot: root, project: 'agent' })).exitStatus).toBe(0);
    expect(await frozen()).toEqual({ exitStatus: 0, error: null });

    const file = path.join(root, 'bpf.lock.json');
    const lock = fs.readFileSync(file, 'utf8');
    const { kernels } = JSON.parse(lock) as { kernels: Record<string, { package: string; sha256: string }> };
    const pattern = 'linux-image-6.1.*-cloud-amd64-unsigned';
    expect(Object.keys(kernels)).toEqual([pattern, 'linux-image-6.12.*-cloud-amd64-unsigned']);
    const { package: name, sha256 } = kernels[pattern]!;
    expect(name).toMatch(/^linux-image-6\.1\.0-\d+-cloud-amd64-unsigned$/);
    fs.writeFileSync(file, lock.replace(sha256, 'f'.repeat(64)));
    const { exitStatus, error } = await frozen();
    expect([exitStatus, error!.code]).toEqual([16, 'LOCK_MISMATCH']);
    expect(error!.message).toContain(
      `kernel package ${pattern} is not what bpf.lock.json says: found ${name} `,
    );
    expect(error!.message).toContain(`SHA-256 ${sha256}, expected ${name}`);
    // Where it need not be the one that is locked, it is told.
    const { result } = await run('verify', { workspaceRoot: root, project: 'agent' });
    expect((result as { notes: string[] }).notes).toContainEqual(
      expect.stringContaining(`bpf.lock.json has the same version with SHA-256 ${'f'.repeat(64)}`),
    );
    // What is locked is used, whatever is the newest by now.
    fs.writeFileSync(file, lock.replace(name, 'linux-image-6.12.*-cloud-amd64-unsigned'));
    expect((await frozen()).error!.message).toMatch(
      /found linux-image-6\.12\.\S+ .* expected linux-image-6\.12\.\*/,
    );
    fs.writeFileSync(file, lock.replace(sha256, '').replace('"sha256": ""', '"sha": 1'));
    expect((await frozen()).error!.message).toContain('not a lock file of this version');

    // A package that is only booted, too.
    const types = "btf: { package: 'linux-image-6.1.*-cloud-amd64-unsigned' }";
    const booted = 'linux-image-6.12.*-cloud-amd64-unsigned';
    const { kernels: both, ...rest } = JSON.parse(lock) as { kernels: Record<string, unknown> };
    fs.writeFileSync(file, JSON.stringify({ ...rest, kernels: { [pattern]: both[pattern] } }));
    fs.writeFileSync(
      path.join(root, 'bpf.config.yaml'),
      `version: 1\nkernels: { one: { ${types}, image: { package: '${booted}' } } }\n`,
    );
    const booting = { workspaceRoot: root, project: 'agent', frozen: true, level: 'vm' };
    expect(await run('verify', booting)).toMatchObject({
      exitStatus: 16,
      result: {
        error: { message: expect.stringContaining(`${booted} is not in bpf.lock.json`) as string },
      },
    });
    fs.rmSync(file);
    await run('lock', { workspaceRoot: root, project: 'agent' });
    expect(fs.readFileSync(file, 'utf8')).toBe(lock);
  });

  test('tcx: 6.1 loads such programs and cannot attach them', async () => {
    const source = `${header}
SEC("tcx/ingress")
int new(struct __sk_buff *skb) { return 0; }
`;
    const kernels = await verified(source, '[{ id: up, tcx: { interface: none0, direction: ingress } }]');
    expect(kernels.map(({ programs }) => [programs[0]!.relocates, programs[0]!.attaches])).toEqual([
      ['yes', 'no'],
      ['yes', 'yes'],
      ['yes', 'yes'],
    ]);
  });

  test('version, configuration and system calls are those of the named kernel', async () => {
    const source = `${header}
extern int LINUX_KERNEL_VERSION __kconfig;
extern int CONFIG_HZ __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
SEC("xdp")
int new(struct xdp_md *ctx)
{
	if (LINUX_KERNEL_VERSION < KERNEL_VERSION(6, 2, 0) && CONFIG_HZ == 250 && LINUX_HAS_SYSCALL_WRAPPER && LINUX_HAS_BPF_COOKIE)
		return ((struct task_struct *)bpf_get_current_task())->last_mm_cid;
	return XDP_PASS;
}
`;
    expect(relocates(await verified(source))).toEqual({
      'debian-12': 'no',
      'debian-12-backports': 'yes',
      here: 'yes',
    });
  });
});
