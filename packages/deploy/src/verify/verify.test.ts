import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { gzipSync } from 'node:zlib';
import { create } from 'tar';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { ElfFile } from '@nx-bpf/loader';
import { run } from '../cli/run';
import { type KernelVerdict } from './verdict';

let root: string;
const cacheHome = process.env['XDG_CACHE_HOME'];
const output: string[] = [];
const write = process.stdout.write.bind(process.stdout);
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-verify-'));
  process.stdout.write = ((text: string) => output.push(text) > 0) as typeof process.stdout.write;
  process.env['XDG_CACHE_HOME'] = path.join(root, 'cache');
});
afterEach(() => {
  process.stdout.write = write;
  output.splice(0);
  delete process.env['GITHUB_ACTIONS'];
  if (cacheHome === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = cacheHome;
  fs.rmSync(root, { recursive: true });
});

function put(file: string, content: string | Uint8Array): void {
  fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  fs.writeFileSync(path.join(root, file), content);
}

const kernelSource = (field: string): string => `
  enum bpf_prog_type { T0, T1, T26 = 26, __MAX_BPF_PROG_TYPE } types; enum bpf_map_type { M2 = 2 } maps;
  enum bpf_func_id { H5 = 5 } helpers; enum bpf_attach_type { A23 = 23, A0 = 0 } attach;
  struct task { int pid; ${field} }; struct task task;
  typedef void (*btf_trace_started)(void *, struct task *); btf_trace_started tracepoint;`;
const elfOf = (field: string): Uint8Array => compile(kernelSource(field));
const btfOf = (field: string): Uint8Array =>
  ElfFile.parse(elfOf(field), { object: 'k.o' }).section('.BTF')!.data;

const header = `#define SEC(name) __attribute__((section(name), used))
struct task { int pid; int added; } __attribute__((preserve_access_index));
const volatile int enabled = 1;
char gpl[] SEC("license") = "GPL";
`;
const reading = `${header}SEC("tp_btf/started") int watch(unsigned long long *ctx)
{
	struct task *task = (void *)ctx[0];
	if (!enabled)
		return 0;
	return task->added;
}
`;

/** A workspace with a kernel that has the field and one that does not. */
function workspace(
  source: string,
  kernels = '{ old: { btf: old.btf }, new: { btf: new.btf } }',
  rest = '',
): void {
  put('old.btf', btfOf(''));
  put('new.btf', btfOf('int added;'));
  put('bpf.config.yaml', `version: 1\nkernels: ${kernels}\n`);
  put('agent/bpf.config.yaml', `version: 1\nobjects: { watch: {} }\nprograms: { watch: {} }\n${rest}`);
  put('agent/src/watch.bpf.c', source);
}

async function verified(
  environment?: string,
): Promise<{ status: number; kernels: readonly KernelVerdict[] }> {
  const { exitStatus, result } = await run('verify', { workspaceRoot: root, project: 'agent', environment });
  return { status: exitStatus, kernels: (result as { kernels: KernelVerdict[] }).kernels };
}

const summary = (kernels: readonly KernelVerdict[]): string[] =>
  kernels.map(({ kernel, programs }) => `${kernel}: ${programs.map(({ relocates }) => relocates).join()}`);

test('a field that one kernel lacks fails for that alone, at its line of C, with exit status 15', async () => {
  workspace(reading);
  const { status, kernels } = await verified();
  expect(status).toBe(15);
  expect(summary(kernels)).toEqual(['new: yes', 'old: no']);
  const [finding] = kernels.find(({ kernel }) => kernel === 'old')!.programs[0]!.findings;
  expect(finding).toMatchObject({
    state: 'missing',
    kind: 'byte_off',
    name: 'struct task.added',
    file: 'agent/src/watch.bpf.c',
    line: reading.split('\n').findIndex((line) => line.includes('task->added')) + 1,
  });
  const text = output.join('');
  expect(text).toContain('FAILS (1 missing)');
  expect(text).toContain('agent/src/watch.bpf.c:10: byte_off struct task.added');
  expect(text).not.toContain('::error');
  expect(
    JSON.parse(fs.readFileSync(path.join(root, 'agent/dist/bpf/dev/verify.json'), 'utf8')),
  ).toMatchObject({
    command: 'verify',
    kernels: [
      { kernel: 'new', success: true },
      { kernel: 'old', success: false },
    ],
  });
});

test('guarded it passes, and so it does where a constant of the environment closes the way', async () => {
  workspace(reading.replace('if (!enabled)', 'if (!__builtin_preserve_field_info(task->added, 2))'));
  expect(await verified()).toMatchObject({ status: 0 });
  expect(output.join('')).toContain('1 guarded');
  workspace(
    reading,
    undefined,
    'environments: { dev: {}, off: { objects: { watch: { constants: { enabled: 0 } } } } }\n',
  );
  expect((await verified('off')).status).toBe(0);
  expect((await verified('dev')).status).toBe(15);
});

test('of variants the first that is for the kernel counts, unless one before it is sure to be chosen', async () => {
  const two = `${reading}SEC("tp_btf/started") int simple(unsigned long long *ctx) { return 0; }\n`;
  const verdicts = async (variants: string) => {
    workspace(two);
    put(
      'agent/bpf.config.yaml',
      `version: 1\nobjects: { watch: {} }\nprograms:\n  watch:\n    variants:\n${variants}`,
    );
    const { status, kernels } = await verified();
    const decide = kernels.map(({ kernel, programs }) => {
      const [deciding] = programs.filter(({ decides }) => decides);
      return `${kernel}: ${deciding?.variant} ${deciding?.relocates}`;
    });
    return { status, decide };
  };
  // Nobody knows whether those kernels attach to the hook, so each may have either.
  expect(
    await verdicts(
      '      - { name: full, when: { hook: tp_btf } }\n      - { name: simple, function: simple }\n',
    ),
  ).toEqual({ status: 0, decide: ['new: full yes', 'old: simple yes'] });
  expect(output.join('')).toContain('watch (full)');
  // That always holds is sure.
  expect(await verdicts('      - { name: full }\n')).toEqual({
    status: 15,
    decide: ['new: full yes', 'old: full no'],
  });
  workspace(two);
  put(
    'agent/bpf.config.yaml',
    'version: 1\nobjects: { watch: {} }\nprograms:\n  watch: { variants: [{ name: full, function: ful }] }\n',
  );
  expect(await run('verify', { workspaceRoot: root, project: 'agent' })).toMatchObject({
    exitStatus: 3,
    result: {
      error: {
        message: expect.stringContaining(
          "program 'watch', variant full: object 'watch' has no program 'ful'",
        ) as string,
      },
    },
  });
});

test("a variant whose conditions do not hold by a kernel's configuration is not used there", async () => {
  const variants = (last: string) => `version: 1
objects: { watch: {} }
programs:
  watch:
    variants:
      - { name: full, when: { kconfig: CONFIG_ADDED=y } }
      - { name: simple, ${last}function: simple }
`;
  const two = `${reading}SEC("tp_btf/started") int simple(unsigned long long *ctx) { return 0; }\n`;
  workspace(two, '{ old: { btf: old.btf, config: old.config }, new: { btf: new.btf, config: new.config } }');
  put('old.config', 'CONFIG_BPF=y\n');
  put('new.config', 'CONFIG_BPF=y\nCONFIG_ADDED=y\n');
  put('agent/bpf.config.yaml', variants(''));
  const { status, kernels } = await verified();
  expect(status).toBe(0);
  const [, old] = kernels;
  expect(old!.programs.map(({ variant, unmet, decides }) => [variant, unmet, decides])).toEqual([
    ['full', ['kconfig CONFIG_ADDED=y: found n'], false],
    ['simple', [], true],
  ]);
  expect(stripVTControlCharacters(output.join(''))).toMatch(
    /not used old: watch \(full\): kconfig CONFIG_ADDED=y: found n/,
  );
  put('agent/bpf.config.yaml', variants('when: { kconfig: CONFIG_NONE=y }, '));
  const none = await verified();
  expect([none.status, none.kernels.map(({ success }) => success)]).toEqual([15, [true, false]]);
});

test('a kernel that is not required is a warning; in GitHub Actions each finding is at its line', async () => {
  process.env['GITHUB_ACTIONS'] = 'true';
  workspace(reading, '{ old: { btf: old.btf, required: false }, new: { btf: new.btf } }');
  expect((await verified()).status).toBe(0);
  expect(output.join('')).toContain(
    '::warning file=agent/src/watch.bpf.c,line=10::watch on old: byte_off struct',
  );
  workspace(reading);
  await verified();
  expect(output.join('')).toContain(
    '::error file=agent/src/watch.bpf.c,line=10::watch on old: byte_off struct',
  );
});

test('types are taken from every kind of file, and what is not types is refused', async () => {
  workspace(
    reading,
    '{ elf: { btf: k/vmlinux }, gz: { btf: k/btf.gz }, xz: { btf: k/vmlinux.xz }, lz4: { btf: k/btf.lz4 }, zst: { btf: k/btf.zst }, hub: { btf: k/5.0.btf.tar.xz }, image: { btf: k/Image } }',
  );
  const field = 'int added;';
  const packed = (command: string, args: string[], input: Uint8Array): Uint8Array =>
    spawnSync(command, args, { input }).stdout;
  put('k/vmlinux', elfOf(field));
  put('k/btf.gz', gzipSync(btfOf(field)));
  put('k/vmlinux.xz', packed('xz', ['-c'], elfOf(field)));
  put('k/btf.zst', packed('zstd', ['-c'], btfOf(field)));
  put('k/btf.lz4', packed('lz4', ['-lc'], btfOf(field)));
  put('k/5.0.btf', btfOf(field));
  await create({ file: path.join(root, 'k/a.tar'), cwd: path.join(root, 'k') }, ['5.0.btf']);
  put('k/5.0.btf.tar.xz', packed('xz', ['-c'], fs.readFileSync(path.join(root, 'k/a.tar'))));
  put('k/Image', Buffer.concat([Buffer.alloc(4096, 1), btfOf(field), Buffer.alloc(512)]));
  const { status, kernels } = await verified();
  expect(summary(kernels)).toEqual(
    ['elf', 'gz', 'hub', 'image', 'lz4', 'xz', 'zst'].map((name) => `${name}: yes`),
  );
  expect(status).toBe(0);

  put('k/text', 'no types of a kernel');
  put('bpf.config.yaml', 'version: 1\nkernels: { a: { btf: k/text } }\n');
  expect((await run('verify', { workspaceRoot: root, project: 'agent' })).result).toMatchObject({
    error: { code: 'BTF_MISSING', message: expect.stringContaining('kernel a: ') as string },
  });
  put('bpf.config.yaml', 'version: 1\nkernels: { a: { btf: k/none } }\n');
  expect((await run('verify', { workspaceRoot: root, project: 'agent' })).result).toMatchObject({
    error: { code: 'FILE', path: path.join(root, 'k/none') },
  });
});

test('a result is kept by what it depends on: the object, the constants, the kernel', async () => {
  workspace(reading);
  await verified();
  const folder = path.join(root, '.nx-bpf/cache/verified');
  const kept = fs.readdirSync(folder).sort();
  expect(kept).toHaveLength(2);
  // What is kept is what is answered: nothing is found out twice.
  for (const file of kept) {
    const text = fs.readFileSync(path.join(folder, file), 'utf8');
    fs.writeFileSync(path.join(folder, file), text.replaceAll('"relocates":"no"', '"relocates":"unsure"'));
  }
  expect(summary((await verified()).kernels)).toEqual(['new: yes', 'old: unsure']);
  // A kernel with other types is another one.
  put('old.btf', btfOf('int other;'));
  expect(summary((await verified()).kernels)).toEqual(['new: yes', 'old: no']);
  expect(fs.readdirSync(folder)).toHaveLength(3);
  put('agent/src/watch.bpf.c', reading.replace('!enabled', 'enabled == 3'));
  expect(summary((await verified()).kernels)).toEqual(['new: yes', 'old: no']);
  expect(fs.readdirSync(folder)).toHaveLength(5);
});

test('an edit that gives the same object costs nothing: what was found is answered', async () => {
  workspace(reading.replace('struct task {', '#include "watch.h"\nstruct task {'));
  put('agent/src/watch.h', '/* what the watch is for */\n#define UNUSED 1\n');
  await verified();
  const object = path.join(root, 'agent/dist/bpf/dev/watch.bpf.o');
  const before = fs.readFileSync(object);
  const folder = path.join(root, '.nx-bpf/cache/verified');
  const kept = fs.readdirSync(folder);
  for (const file of kept) {
    const text = fs.readFileSync(path.join(folder, file), 'utf8');
    fs.writeFileSync(path.join(folder, file), text.replaceAll('"relocates":"no"', '"relocates":"unsure"'));
  }
  put('agent/src/watch.h', '/* a comment that says more */\n#define UNUSED 2\n');
  expect(summary((await verified()).kernels)).toEqual(['new: yes', 'old: unsure']);
  expect(fs.readFileSync(object).equals(before)).toBe(true);
  expect(fs.readdirSync(folder)).toEqual(kept);
});

test('a program that is loaded and cannot be attached is told from one that cannot be loaded', async () => {
  const tcx = `${header}SEC("socket") int watch(void *ctx) { return 0; }`;
  workspace(tcx, '{ old: { btf: old.btf } }');
  put(
    'agent/bpf.config.yaml',
    'version: 1\nobjects: { watch: {} }\nprograms: { watch: { attach: [{ id: up, tcx: { interface: none0, direction: ingress } }] } }\n',
  );
  const { status, kernels } = await verified();
  expect(kernels[0]!.programs[0]).toMatchObject({ relocates: 'yes', attaches: 'no' });
  expect(status).toBe(15);
  expect(output.join('')).toContain('relocates, CANNOT ATTACH');
  expect(output.join('')).toContain("attachment 'up' of watch: this kernel has no tcx");
});
