import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { compileTraced } from '../../../../tools/testing/user-binary';
import { runningKernel } from '../kernel';
import { loadObject } from '../load';
import { parseObject, ProgramType } from '../object';
import { relocateObject, type VirtualExtern } from '../relocate';
import { Collection, loadFile } from '../runtime';
import { attachProbe } from './usdt';
import { attachUsdt, Link, UsdtLink, UsdtLinks, type AttachableProgram, type UsdtOptions } from './index';

const head = `
  #include <linux/bpf.h>
  #include <linux/ptrace.h>
  #include <bpf/bpf_helpers.h>
  #include <bpf/bpf_tracing.h>
  char LICENSE[] SEC("license") = "GPL";
`;

/** With libbpf's header: what bpf_usdt_arg() and its siblings give is told. */
const source = `${head}
  #include <stdbool.h>
  #include <bpf/usdt.bpf.h>
  __u64 runs, cookie, process;
  __s64 count, values[12], errors[12], sums[2];
  SEC("usdt") int probe(struct pt_regs *ctx)
  {
    __sync_fetch_and_add(&runs, 1);
    cookie = bpf_usdt_cookie(ctx);
    process = bpf_get_current_pid_tgid() >> 32;
    count = bpf_usdt_arg_cnt(ctx);
    for (int i = 0; i < 12; i++) {
      long value;
      errors[i] = bpf_usdt_arg(ctx, i, &value);
      values[i] = value;
    }
    if (count == 2) {
      __sync_fetch_and_add(&sums[0], values[0]);
      __sync_fetch_and_add(&sums[1], values[1]);
    }
    return 0;
  }
  SEC("usdt") int plain(struct pt_regs *ctx)
  {
    __sync_fetch_and_add(&runs, 1);
    cookie = bpf_get_attach_cookie(ctx);
    return 0;
  }
`;

/** With specs that know of an index register, and a reader of those alone. */
const indexed = `${head}
  enum __bpf_usdt_arg_type { BPF_USDT_ARG_CONST, BPF_USDT_ARG_REG, BPF_USDT_ARG_REG_DEREF, BPF_USDT_ARG_SIB };
  struct arg {
    __u64 val_off;
    enum __bpf_usdt_arg_type arg_type: 8;
    __u16 idx_reg_off: 12;
    __u16 scale_bitshift: 4;
    __u8 reserved: 8;
    short reg_off;
    _Bool arg_signed;
    char arg_bitshift;
  };
  struct __bpf_usdt_spec { struct arg args[12]; __u64 usdt_cookie; short arg_cnt; };
  struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, int);
    __type(value, struct __bpf_usdt_spec);
  } __bpf_usdt_specs SEC(".maps");
  __u64 runs;
  __s64 register_sum, element_sum, next_sum;
  static long at(void *ctx, struct arg *arg)
  {
    long base = 0, index = 0;
    int value = 0;
    if (arg->arg_type == BPF_USDT_ARG_REG) {
      bpf_probe_read_kernel(&base, 8, ctx + arg->reg_off);
      return base;
    }
    if (arg->arg_type != BPF_USDT_ARG_SIB)
      return -1000;
    bpf_probe_read_kernel(&base, 8, ctx + arg->reg_off);
    bpf_probe_read_kernel(&index, 8, ctx + arg->idx_reg_off);
    bpf_probe_read_user(&value, 4, (void *)(base + (index << arg->scale_bitshift) + arg->val_off));
    return value;
  }
  SEC("usdt") int element(struct pt_regs *ctx)
  {
    int id = bpf_get_attach_cookie(ctx);
    struct __bpf_usdt_spec *spec = bpf_map_lookup_elem(&__bpf_usdt_specs, &id);
    if (!spec)
      return 0;
    runs++;
    register_sum += at(ctx, &spec->args[0]);
    element_sum += at(ctx, &spec->args[1]);
    next_sum += at(ctx, &spec->args[2]);
    return 0;
  }
`;
const target = process.arch === 'arm64' ? 'arm64' : 'x86';
const flags = [`-D__TARGET_ARCH_${target}`];

kernelSuite('attach to USDT probes', (kernel) => {
  let traced: string;
  let collection: Collection;
  beforeAll(() => {
    traced = compileTraced(path.join(kernel.directory, 'traced'));
  });

  const run = (times: number): string =>
    spawnSync(traced, [String(times)], { input: '!', encoding: 'utf8' }).stdout;
  const value = (name: string): number => Number(collection.variable<number | bigint>(name).get());
  const list = (name: string): number[] => collection.variable<(number | bigint)[]>(name).get().map(Number);
  const attach = (name: string, options: UsdtOptions = {}, program = 'probe') =>
    attachUsdt(collection.program(program), { binary: traced, provider: 'demo', name, ...options });

  function runsOf(action: () => unknown): number {
    const before = value('runs');
    action();
    return value('runs') - before;
  }

  /** Numbers of the slots of argument specs that are not free. */
  const slots = (): number[] => {
    const map = collection.map('__bpf_usdt_specs');
    const used = [...map.entries()].filter(
      ([, spec]) => JSON.stringify(spec, plain).match(/[1-9]|true/) !== null,
    );
    return used.map(([key]) => Number(key));
  };

  /** Through one link of many places, and through a link for each. */
  describe.each(['one link', 'links'] as const)('%s', (way) => {
    beforeAll(() => {
      const file = kernel.compile(source, { name: way === 'links' ? 'links' : 'one', flags });
      const types = { type: ProgramType.kprobe, attachType: 0 };
      collection = loadFile(file, way === 'links' ? { types: { probe: types, plain: types } } : {});
    });
    afterAll(() => collection.close());

    test('arguments of every size, signed and not', () => {
      const link = attach('sizes', { cookie: 0x1234567890n });
      expect(link).toBeInstanceOf(way === 'links' ? UsdtLinks : UsdtLink);
      expect([link.hook, link.describe()]).toEqual(['usdt', `usdt ${traced}:demo:sizes`]);
      expect(runsOf(() => run(3))).toBe(3);
      // Without a sign char is unsigned on arm64.
      const small = process.arch === 'arm64' ? 249 : -7;
      expect(list('values').slice(0, 6)).toEqual([small, 250, -300, -70000, -5000000000, 0]);
      expect([value('count'), value('cookie')]).toEqual([5, 0x1234567890]);
      expect(list('errors').slice(0, 6)).toEqual([0, 0, 0, 0, 0, -2]);
      link.close();
      expect(runsOf(() => run(3))).toBe(0);
    });

    test('each place of a probe, with its own arguments', () => {
      const before = list('sums');
      const link = attach('twice');
      if (link instanceof UsdtLinks) expect(link.parts).toHaveLength(2);
      expect(runsOf(() => run(4))).toBe(8);
      // 0 + 1 + 2 + 3 at both places; 1 at one of them and 2 at the other.
      expect(list('sums').map((sum, i) => sum - before[i]!)).toEqual([12, 12]);
      link.close();
    });

    test('a probe without arguments; equal specs share a slot', () => {
      const before = slots();
      const bare = attach('bare', { cookie: 9n });
      const again = attach('bare', { cookie: 9n });
      const other = attach('bare', { cookie: 10n });
      expect(slots().length - before.length).toBe(2);
      expect(runsOf(() => run(2))).toBe(6);
      expect(value('count')).toBe(0);
      again.close();
      other.close();
      expect(runsOf(() => run(2))).toBe(2);
      expect(value('cookie')).toBe(9);
      bare.close();
    });

    test('one without arguments and cookie takes no slot of others', () => {
      const bare = attach('bare');
      const watched = attach('watched');
      expect(runsOf(() => run(3))).toBe(6);
      expect([value('count'), list('values')[0]]).toEqual([1, 2]);
      bare.close();
      watched.close();
    });

    test('the traced program sees by its semaphore that somebody listens', () => {
      expect(run(1)).toBe('0\n');
      const first = attach('watched');
      expect(run(1)).toBe('1\n');
      first.close();
      expect(run(1)).toBe('0\n');
    });

    test('only in one process, also by its semaphore', async () => {
      const child = spawn(traced, ['5'], { stdio: ['pipe', 'pipe', 'ignore'] });
      while (readlinkSync(`/proc/${child.pid}/exe`) !== traced) await setTimeout(5);
      const link = attach('watched', { pid: child.pid! });
      expect(runsOf(() => expect(run(2)).toBe('0\n'))).toBe(0);
      const before = value('runs');
      let said = '';
      child.stdout.on('data', (data: Buffer) => (said += data.toString()));
      const ended = once(child, 'close');
      child.stdin.end('!');
      await ended;
      expect([value('runs') - before, value('process'), said]).toEqual([5, child.pid, '1\n']);
      expect(list('values')[0]).toBe(4);
      link.close();
    });

    test('a pin holds it, with what it tells the program', () => {
      const pin = path.join(kernel.bpffs, 'twice');
      const link = attach('twice', { cookie: 5n });
      link.pin(pin);
      expect(() => link.pin(pin)).toThrow(expect.objectContaining({ code: 'PIN_EXISTS' }));
      if (way === 'links') expect(readdirSync(pin).sort()).toEqual(['0', '1']);
      link.close();
      expect(runsOf(() => run(2))).toBe(4);
      expect([value('count'), value('cookie')]).toEqual([2, 5]);
      const again = way === 'links' ? UsdtLinks.open(pin) : Link.open(pin);
      rmSync(pin, { recursive: true });
      expect(runsOf(() => run(1))).toBe(2);
      again.close();
      expect(runsOf(() => run(1))).toBe(0);
    });

    test('a program that asks for no arguments gets the cookie itself', () => {
      const link = attach('twice', { cookie: 77n }, 'plain');
      expect(runsOf(() => run(1))).toBe(2);
      expect(value('cookie')).toBe(77);
      link.close();
    });

    test('the section name says the probe', () => {
      const { fd, type, attachType } = collection.program('probe');
      const said: AttachableProgram = {
        fd,
        name: 'probe',
        type,
        attachType,
        target: `${traced}:demo:watched`,
      };
      const link = attachUsdt(said);
      expect(runsOf(() => run(2))).toBe(2);
      link.close();
      expect(() => attachUsdt({ ...said, target: 'x:y' })).toThrow(
        "found 'x:y', expected a binary, a provider",
      );
    });

    test('what is not there, and what cannot be told', () => {
      expect(() => attach('twise')).toThrow(
        expect.objectContaining({
          code: 'USDT_NOT_FOUND',
          message: expect.stringContaining('did you mean demo:twice'),
        }),
      );
      expect(() => attach('x', { binary: process.execPath })).toThrow('a binary without USDT probes');
      expect(() => attach('x', { provider: 'nobody' })).toThrow('it has demo:bare, demo:element');
      if (process.arch === 'x64')
        expect(() => attach('element')).toThrow(
          expect.objectContaining({
            code: 'USDT_UNSUPPORTED',
            message: expect.stringContaining('libbpf 1.7'),
          }),
        );
      expect(() => attach('twice', { pid: 0x3fffff })).toThrow(/ESRCH/);
    });
  });

  test('without cookies, as before Linux 5.15: places are told apart by their addresses', async () => {
    const spec = parseObject(readFileSync(kernel.compile(source, { name: 'old', flags })), { name: 'old' });
    const kernelNow = runningKernel();
    const virtual = (name: VirtualExtern) =>
      name === 'LINUX_HAS_BPF_COOKIE' ? 0n : kernelNow.virtual?.(name);
    const relocated = relocateObject(spec, { ...kernelNow, virtual });
    collection = new Collection(relocated, loadObject(relocated));
    const program = collection.program('probe');
    const twice = { provider: 'demo', name: 'twice' };
    const addresses = () => [...collection.map('__bpf_usdt_ip_to_spec_id').entries()].length;

    // An executable that is not moved is at the same addresses in every process.
    const fixed = attachProbe(program, { binary: traced, ...twice, cookie: 6n }, false);
    const before = list('sums');
    expect(addresses()).toBe(2);
    expect(runsOf(() => run(4))).toBe(8);
    expect(list('sums').map((sum, i) => sum - before[i]!)).toEqual([12, 12]);
    expect(value('cookie')).toBe(6);
    fixed.close();
    expect(addresses()).toBe(0);

    // Another one is elsewhere in each.
    const moved = compileTraced(path.join(kernel.directory, 'moved'), { flags: ['-static-pie', '-fPIE'] });
    expect(() => attachProbe(program, { binary: moved, ...twice }, false)).toThrow('expected a pid');
    expect(() => attachProbe(program, { binary: moved, ...twice, pid: process.pid }, false)).toThrow(
      'which does not run it',
    );
    const child = spawn(moved, ['3'], { stdio: ['pipe', 'ignore', 'ignore'] });
    while (readlinkSync(`/proc/${child.pid}/exe`) !== moved) await setTimeout(5);
    const link = attachProbe(program, { binary: moved, ...twice, pid: child.pid! }, false);
    const sums = list('sums');
    const ended = once(child, 'exit');
    child.stdin.end('!');
    await ended;
    expect(list('sums').map((sum, i) => sum - sums[i]!)).toEqual([6, 9]);
    link.close();
    expect(addresses()).toBe(0);
    collection.close();
  });

  test('specs with an index register', () => {
    const other = loadFile(kernel.compile(indexed, { name: 'indexed', flags }));
    const link = attachUsdt(other.program('element'), { binary: traced, provider: 'demo', name: 'element' });
    run(4);
    const number = (name: string): number => Number(other.variable<number | bigint>(name).get());
    expect([number('runs'), number('register_sum')]).toEqual([4, 0 + 1 + 2 + 3]);
    if (process.arch === 'x64')
      expect([number('element_sum'), number('next_sum')]).toEqual([10 + 11 + 12 + 13, 11 + 12 + 13 + 14]);
    link.close();
    other.close();
  });
});

function plain(_: string, each: unknown): unknown {
  return typeof each === 'bigint' ? each.toString() : each;
}
