import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { loadObject } from './load-object';
import { parseObject } from '../object';
import { relocateObject } from '../relocate';
import { runningKernel } from '../kernel';

const tools = path.join(__dirname, '../../../../tools');
const source = `
  #include <linux/types.h>
  #include <linux/bpf.h>
  #include <bpf/bpf_helpers.h>
  struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
  __u64 calls;
  SEC("xdp") int count(struct xdp_md *ctx) {
    __u32 key = 7; __u64 one = 1;
    calls++;
    bpf_map_update_elem(&hits, &key, &one, BPF_ANY);
    return bpf_map_lookup_elem(&hits, &key) ? XDP_DROP : XDP_ABORTED;
  }
  char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('BPF tokens', (kernel) => {
  /** Loads in a user namespace with a bpffs that delegates everything, mounted over `at`. */
  function inUserNamespace(at: string, ...token: string[]): unknown {
    const delegate = path.join(kernel.directory, 'delegate');
    const compiled = spawnSync('clang-19', [path.join(tools, 'testing/delegate.c'), '-o', delegate]);
    expect(compiled.stderr.toString()).toBe('');
    const object = kernel.compile(source, { name: 'count' });
    const load = [
      path.join(tools, 'run-source.js'),
      path.join(tools, 'testing/load-one.ts'),
      object,
      'count',
    ];
    const result = spawnSync(delegate, [at, process.execPath, '-r', ...load, ...token], { encoding: 'utf8' });
    expect(result.stderr).toBe('');
    return JSON.parse(result.stdout);
  }

  test('types, maps and programs are made with the rights that a bpffs delegates', () => {
    const loaded = { returnValue: 1, calls: 1, notes: [] };
    const own = path.join(kernel.directory, 'delegating');
    mkdirSync(own);
    expect(inUserNamespace(own, own)).toEqual(loaded);
  });

  test('the usual bpffs is asked even if nobody names it', () => {
    expect(inUserNamespace(kernel.bpffs)).toEqual({ code: 'PRIVILEGE_MISSING', message: expect.any(String) });
    expect(inUserNamespace('/sys/fs/bpf')).toEqual({ returnValue: 1, calls: 1, notes: [] });
  });

  test('without a token the kernel gives nothing, and the error says what would help', () => {
    expect(inUserNamespace('/sys/fs/bpf', '')).toEqual({
      code: 'PRIVILEGE_MISSING',
      message: expect.stringMatching(
        /EPERM .*in another one: .*delegate a BPF token \(Linux 6\.9\)/,
      ) as string,
    });
  });

  test('a token is of no use in the initial user namespace, nor where nothing is delegated', () => {
    const object = parseObject(readFileSync(kernel.compile(source, { name: 'count' })), { name: 'count' });
    const relocated = relocateObject(object, runningKernel());
    expect(() => loadObject(relocated, { token: kernel.bpffs })).toThrow(
      /BPF token from .*: BPF_TOKEN_CREATE: E[A-Z]+ .*(initial user namespace|nothing)/,
    );
    expect(() => loadObject(relocated, { token: kernel.directory })).toThrow(/where a bpffs is mounted/);
  });
});
