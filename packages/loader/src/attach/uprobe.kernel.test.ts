import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { compileTraced } from '../../../../tools/testing/user-binary';
import { loadFile, type Collection, type Program } from '../runtime';
import { usdtProbes } from '../elf';
import { readBinary } from './read-binary';
import { attachUprobe, attachUretprobe, findBinary, Link, linkDescription } from './index';

const source = `
  #include <linux/bpf.h>
  #include <linux/ptrace.h>
  #include <bpf/bpf_helpers.h>
  #include <bpf/bpf_tracing.h>
  char LICENSE[] SEC("license") = "GPL";
  __u64 runs, cookie, process;
  __s64 first, second, result;
  SEC("uprobe") int entry(struct pt_regs *ctx)
  {
    __sync_fetch_and_add(&runs, 1);
    cookie = bpf_get_attach_cookie(ctx);
    process = bpf_get_current_pid_tgid() >> 32;
    first = PT_REGS_PARM1(ctx);
    second = PT_REGS_PARM2(ctx);
    return 0;
  }
  SEC("uretprobe") int leave(struct pt_regs *ctx)
  {
    __sync_fetch_and_add(&runs, 1);
    cookie = bpf_get_attach_cookie(ctx);
    result = PT_REGS_RC(ctx);
    return 0;
  }
  char text[16];
  SEC("uprobe.s") int sleeping(struct pt_regs *ctx)
  {
    bpf_copy_from_user(text, sizeof(text), (void *)PT_REGS_PARM1(ctx));
    return 0;
  }
`;
const target = process.arch === 'arm64' ? 'arm64' : 'x86';

kernelSuite('attach to user space', (kernel) => {
  let traced: string;
  let collection: Collection;
  beforeAll(() => {
    traced = compileTraced(path.join(kernel.directory, 'traced'));
    const file = kernel.compile(source, { name: 'uprobes', flags: [`-D__TARGET_ARCH_${target}`] });
    collection = loadFile(file);
  });
  afterAll(() => collection.close());

  const entry = (): Program => collection.program('entry');
  const value = (name: string): bigint => BigInt(collection.variable<number | bigint>(name).get());

  /** Runs the traced program, which calls each of its functions so often. */
  const run = (times: number, binary = traced): string =>
    spawnSync(binary, [String(times)], { input: '!', encoding: 'utf8' }).stdout;

  /** How often the program ran while something happened. */
  function runsOf(action: () => unknown): number {
    const before = value('runs');
    action();
    return Number(value('runs') - before);
  }

  test('the entry of a function: each call, its arguments, a cookie', () => {
    const link = attachUprobe(entry(), { binary: traced, function: 'add', cookie: 77n });
    expect(link.describe()).toBe(`uprobe ${traced}:add`);
    expect(runsOf(() => run(5))).toBe(5);
    expect([value('first'), value('second'), value('cookie')]).toEqual([4n, 40n, 77n]);
    expect(link).toBeInstanceOf(Link);
    expect((link as Link).hook).toBe('uprobe');
    expect(linkDescription((link as Link).info())).toMatch(`uprobe ${traced}+0x`);
    expect(() => link.update(entry())).toThrow(/EINVAL .*cannot be updated/);
    link.close();
    expect(runsOf(() => run(5))).toBe(0);
  });

  test('the return of a function: what it returns', () => {
    const link = attachUretprobe(collection.program('leave'), {
      binary: traced,
      function: 'add',
      cookie: 78n,
    });
    expect(runsOf(() => run(3))).toBe(3);
    expect([value('result'), value('cookie')]).toEqual([42n, 78n]);
    expect((link as Link).hook).toBe('uretprobe');
    link.close();
  });

  test('an offset in the file is the same place as the function there', () => {
    const named = attachUprobe(entry(), { binary: traced, function: 'subtract' }) as Link;
    const info = named.info().target;
    const offset = info.kind === 'perf_event' ? info.offset : 0;
    named.close();
    const link = attachUprobe(entry(), { binary: traced, offset });
    expect(runsOf(() => run(2))).toBe(2);
    expect([value('first'), value('second')]).toEqual([1n, 1n]);
    link.close();
  });

  test('only in one process, while another calls the same function', async () => {
    const child = spawn(traced, ['4'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const link = attachUprobe(entry(), { binary: traced, function: 'add', pid: child.pid! });
    expect(link.describe()).toBe(`uprobe ${traced}:add of process ${child.pid}`);
    expect(runsOf(() => run(3))).toBe(0);
    const before = value('runs');
    await finish(child);
    expect(Number(value('runs') - before)).toBe(4);
    expect(value('process')).toBe(BigInt(child.pid!));
    link.close();
  });

  test('a sleepable program reads memory of the process', () => {
    // The first argument of write(2)'s caller is a number, that of getenv() a name.
    const link = attachUprobe(collection.program('sleeping'), { binary: 'libc.so.6', function: 'getenv' });
    spawnSync('printf', ['x'], { env: { LC_ALL: 'C' } });
    const text = Buffer.from(collection.variable<string>('text').get()).toString('latin1');
    expect(text).toMatch(/^[A-Z_]+/);
    link.close();
  });

  test('a library by its bare name, a program by PATH, a version', () => {
    const libc = findBinary('libc.so.6');
    const link = attachUprobe(entry(), { binary: 'libc.so.6', function: 'getppid', pid: process.pid });
    expect(link.describe()).toBe(`uprobe ${libc}:getppid of process ${process.pid}`);
    expect(runsOf(() => process.ppid)).toBe(1);
    link.close();
    expect(
      findBinary(path.basename(process.execPath), { environment: { PATH: path.dirname(process.execPath) } }),
    ).toBe(process.execPath);
  });

  test('the section name says the place, options say another', () => {
    const said = { fd: entry().fd, name: 'entry', type: entry().type, target: `${traced}:add+0` };
    const link = attachUprobe(said);
    expect(runsOf(() => run(2))).toBe(2);
    link.close();
    const other = attachUprobe(said, { function: 'subtract' });
    expect(other.describe()).toBe(`uprobe ${traced}:subtract`);
    other.close();
  });

  test('through tracefs: the same, without a link, and the event goes', () => {
    const events = () => readFileSync('/sys/kernel/tracing/uprobe_events', 'latin1');
    const link = attachUprobe(entry(), { binary: traced, function: 'add', mode: 'legacy' });
    expect(events()).toContain(`${traced}:0x`);
    expect(runsOf(() => run(3))).toBe(3);
    expect(value('first')).toBe(2n);
    expect(link).not.toBeInstanceOf(Link);
    link.close();
    expect(events()).not.toContain(traced);
    expect(runsOf(() => run(3))).toBe(0);
    expect(() =>
      attachUprobe(entry(), { binary: traced, function: 'add', mode: 'legacy', cookie: 1n }),
    ).toThrow('no cookie is possible');
    expect(events()).not.toContain(traced);
  });

  test('a reference counter is one more while the probe is there', () => {
    const probes = readBinary(traced, usdtProbes);
    const { offset, semaphore } = probes.find(({ name }) => name === 'watched')!;
    expect(run(1)).toBe('0\n');
    for (const mode of ['link', 'perf', 'legacy'] as const) {
      const link = attachUprobe(entry(), { binary: traced, offset, referenceCounter: semaphore, mode });
      expect([mode, run(1)]).toEqual([mode, '1\n']);
      link.close();
      expect([mode, run(1)]).toEqual([mode, '0\n']);
    }
    const attach = (referenceCounter: number) => () =>
      attachUprobe(entry(), { binary: traced, function: 'add', referenceCounter });
    expect(attach(2 ** 32)).toThrow('4294967296 is no offset');
    expect(attach(statSync(traced).size)).toThrow('is no offset');
    expect(attach(semaphore! + 1)).toThrow(/EINVAL .*odd offset/);
  });

  test('a pinned link stays when it is closed', () => {
    const link = attachUprobe(entry(), { binary: traced, function: 'add' });
    const pin = path.join(kernel.bpffs, 'add');
    link.pin(pin);
    link.close();
    expect(runsOf(() => run(2))).toBe(2);
    const again = Link.open(pin);
    expect(again.hook).toBe('uprobe');
    unlinkSync(pin);
    again.close();
    expect(runsOf(() => run(2))).toBe(0);
  });

  test('a file that another mount namespace sees, through its absolute link', async () => {
    const root = path.join(kernel.directory, 'root');
    mkdirSync(path.join(root, 'bin'), { recursive: true });
    const inside = compileTraced(path.join(root, 'bin/inside'));
    symlinkSync('/bin/inside', path.join(root, 'linked'));
    const child = spawn('chroot', [root, '/bin/inside', '2'], { stdio: ['pipe', 'pipe', 'ignore'] });
    await started(child, '/bin/inside');
    const binary = `/proc/${child.pid}/root/linked`;
    const link = attachUprobe(entry(), { binary, function: 'add' });
    expect(link.describe()).toBe(`uprobe /proc/${child.pid}/root/bin/inside:add`);
    expect(findBinary(inside)).toBe(inside);
    const before = value('runs');
    await finish(child);
    expect(Number(value('runs') - before)).toBe(2);
    link.close();
  });

  test('what is not there, and what cannot be', () => {
    const attach = (options: object) => () => attachUprobe(entry(), options);
    expect(attach({ binary: traced, function: 'ad' })).toThrow(
      expect.objectContaining({
        code: 'FUNCTION_NOT_FOUND',
        message: expect.stringContaining('did you mean add'),
      }),
    );
    expect(attach({ binary: 'libnothing.so.3', function: 'x' })).toThrow(
      expect.objectContaining({ code: 'BINARY_NOT_FOUND', message: expect.stringContaining('ld.so.cache') }),
    );
    expect(attach({ binary: '/no/such', function: 'x' })).toThrow('no such file');
    expect(attach({ binary: traced })).toThrow('no place is given');
    expect(attach({})).toThrow('no place is given');
    expect(attach({ binary: traced, offset: 1 << 30 })).toThrow(/EINVAL .*behind the end of the file/);
    expect(attach({ binary: traced, offset: -1 })).toThrow('-1 is no offset');
    expect(attach({ binary: traced, function: 'add', pid: 0x3fffff })).toThrow(/ESRCH/);
    expect(attach({ binary: '/etc/hostname', function: 'x' })).toThrow(
      expect.objectContaining({ code: 'ELF_MALFORMED' }),
    );
  });
});

/** Lets the traced program run, and waits for its end. */
async function finish(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin!.end('!');
  await ended;
}

/** A child is there before it has become the program that it is to run. */
async function started(child: ChildProcess, program: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (readFileSync(`/proc/${child.pid}/cmdline`, 'latin1').startsWith(`${program}\0`)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${program} does not start`);
}
