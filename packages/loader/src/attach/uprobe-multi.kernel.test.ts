import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { compileTraced } from '../../../../tools/testing/user-binary';
import { findFunction, usdtProbes } from '../elf';
import { loadFile, type Collection } from '../runtime';
import { readBinary } from './read-binary';
import {
  attachUprobeMulti,
  attachUprobeSession,
  attachUretprobeMulti,
  type UprobeMultiOptions,
} from './index';

const source = `
  #include <linux/bpf.h>
  #include <linux/ptrace.h>
  #include <bpf/bpf_helpers.h>
  #include <bpf/bpf_tracing.h>
  char LICENSE[] SEC("license") = "GPL";
  extern bool bpf_session_is_return(void) __ksym;
  __u64 runs, returns, cookies[16];
  __s64 result;
  static int tell(void *ctx)
  {
    __u64 cookie = bpf_get_attach_cookie(ctx);
    __sync_fetch_and_add(&runs, 1);
    __sync_fetch_and_add(&cookies[cookie & 15], 1);
    return 0;
  }
  SEC("uprobe.multi") int entry(struct pt_regs *ctx) { return tell(ctx); }
  SEC("uretprobe.multi") int leave(struct pt_regs *ctx) { result = PT_REGS_RC(ctx); return tell(ctx); }
  /* Of an odd first argument it does not want to see the return. */
  SEC("uprobe.session") int session(struct pt_regs *ctx)
  {
    if (bpf_session_is_return())
      __sync_fetch_and_add(&returns, 1);
    else
      tell(ctx);
    return !bpf_session_is_return() && (PT_REGS_PARM1(ctx) & 1);
  }
`;
const target = process.arch === 'arm64' ? 'arm64' : 'x86';

kernelSuite('attach to many places of user space', (kernel) => {
  let traced: string;
  let collection: Collection;
  beforeAll(() => {
    traced = compileTraced(path.join(kernel.directory, 'traced'));
    const flags = [`-D__TARGET_ARCH_${target}`, '-include', 'stdbool.h'];
    collection = loadFile(kernel.compile(source, { name: 'multi', flags }));
  });
  afterAll(() => collection.close());

  const entry = () => collection.program('entry');
  const run = (times: number): string =>
    spawnSync(traced, [String(times)], { input: '!', encoding: 'utf8' }).stdout;
  const value = (name: string): number => Number(collection.variable<number | bigint>(name).get());
  const cookies = (): number[] => collection.variable<(number | bigint)[]>('cookies').get().map(Number);

  function runsOf(action: () => unknown, name = 'runs'): number {
    const before = value(name);
    action();
    return value(name) - before;
  }

  test('a pattern and a name: one link, each function', () => {
    const link = attachUprobeMulti(entry(), { binary: traced, functions: ['?dd', 'sub*', 'subtract'] });
    expect(link.describe()).toBe(`uprobe_multi ${traced}:?dd, sub*, subtract`);
    expect([link.hook, link.info().typeName]).toEqual(['uprobe_multi', 'uprobe_multi']);
    expect(link.info().target).toMatchObject({ text: traced, count: 2 });
    expect(runsOf(() => run(5))).toBe(10);
    expect(() => link.update(entry())).toThrow(/cannot be updated/);
    expect(() => link.detach()).toThrow(/detach when they are closed/);
    link.close();
    expect(runsOf(() => run(5))).toBe(0);
  });

  test('a cookie for each function', () => {
    const before = cookies();
    const functions = ['add', 'subtract', 'watched'];
    const link = attachUprobeMulti(entry(), { binary: traced, functions, cookies: [3n, 5n, 3n] });
    run(4);
    expect(cookies().map((count, i) => count - before[i]!)).toEqual([
      0,
      0,
      0,
      8,
      0,
      4,
      ...Array<number>(10).fill(0),
    ]);
    link.close();
  });

  test('offsets, and a reference counter at one of them', () => {
    const { offset, semaphore } = readBinary(traced, usdtProbes).find(({ name }) => name === 'watched')!;
    const add = readBinary(traced, (elf) => findFunction(elf, 'add')).offset;
    const offsets = [BigInt(add), BigInt(offset)];
    const link = attachUprobeMulti(entry(), {
      binary: traced,
      offsets,
      referenceCounters: [0n, BigInt(semaphore!)],
    });
    expect(runsOf(() => expect(run(3)).toBe('1\n'))).toBe(6);
    link.close();
    expect(run(1)).toBe('0\n');
  });

  test('where functions return: what they return', () => {
    const link = attachUretprobeMulti(collection.program('leave'), { binary: traced, functions: 'add' });
    expect(runsOf(() => run(3))).toBe(3);
    expect(value('result')).toBe(42);
    link.close();
  });

  test('a session decides at the entry whether it is called at the return', () => {
    const link = attachUprobeSession(collection.program('session'), { binary: traced, functions: 'add' });
    expect(runsOf(() => expect(runsOf(() => run(5), 'returns')).toBe(3))).toBe(5);
    link.close();
  });

  test('only in one process', async () => {
    const child = spawn(traced, ['4'], { stdio: ['pipe', 'ignore', 'ignore'] });
    const link = attachUprobeMulti(entry(), { binary: traced, functions: 'add', pid: child.pid });
    expect(runsOf(() => run(3))).toBe(0);
    const before = value('runs');
    const ended = once(child, 'exit');
    child.stdin.end('!');
    await ended;
    expect(value('runs') - before).toBe(4);
    link.close();
  });

  test('the section name says binary and pattern', () => {
    const { fd, type, attachType } = entry();
    const link = attachUprobeMulti({ fd, name: 'entry', type, attachType, target: `${traced}:*tract` });
    expect(runsOf(() => run(2))).toBe(2);
    link.close();
  });

  test('what is not there, and what does not fit together', () => {
    const attach = (options: UprobeMultiOptions) => () =>
      attachUprobeMulti(entry(), { binary: traced, ...options });
    expect(attach({ functions: ['add', 'nothing*'] })).toThrow(
      expect.objectContaining({ code: 'FUNCTION_NOT_FOUND' }),
    );
    expect(attach({ functions: 'a*', cookies: [1n] })).toThrow("found 1 cookies for the pattern 'a*'");
    expect(attach({ functions: 'add', cookies: [] })).toThrow('found 0 cookies for 1 places');
    expect(attach({ functions: 'add', offsets: [1n] })).toThrow('expected functions or offsets');
    expect(attach({})).toThrow('at least one function, pattern or offset');
    expect(attach({ offsets: [1n << 40n] })).toThrow(/EINVAL .*behind the end of the file/);
    expect(attach({ functions: 'add', pid: 0x3fffff })).toThrow(/ESRCH/);
    expect(() => attachUprobeSession(entry(), { binary: traced, functions: 'add' })).toThrow(
      'found a program that was loaded for attach type trace_uprobe_multi, expected trace_uprobe_session',
    );
  });
});
