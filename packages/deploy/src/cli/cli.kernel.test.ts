import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Program } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';

const bin = path.resolve(__dirname, '../../bin/nx-bpf.js');

const header = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
`;
const hits = `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");`;
const count = `SEC("xdp") int count(struct xdp_md *ctx) {
  __u32 zero = 0;
  return bpf_map_lookup_elem(&hits, &zero) ? XDP_DROP : XDP_PASS;
}`;

kernelSuite('nx-bpf', (kernel) => {
  interface Ended {
    status: number | null;
    stdout: string;
    stderr: string;
  }
  const nxBpf = (...args: string[]): Ended => nxBpfAs([], ...args);
  const nxBpfAs = (prefix: string[], ...args: string[]): Ended => {
    const [command, ...rest] = [...prefix, process.execPath, bin, ...args];
    return spawnSync(command!, rest, {
      encoding: 'utf8',
      cwd: kernel.directory,
      env: { PATH: process.env['PATH'], XDG_CACHE_HOME: path.join(kernel.directory, 'xdg') },
    });
  };
  const object = (name: string, source: string, options: { debug?: boolean } = {}): string =>
    kernel.compile(header + source, { name, ...options });
  const directory = (): string => path.join(kernel.bpffs, 'raw');

  test('load --json: a line per object, as documented; unload takes it out again', () => {
    const first = object('first', hits + count);
    const second = object('second', 'SEC("raw_tp/sched_process_exec") int watch(void *ctx) { return 0; }');
    const broken = object(
      'broken',
      'SEC("xdp") int bad(struct xdp_md *ctx) { return *(volatile int *)(long)ctx->data; }',
    );
    const loaded = nxBpf('load', first, broken, second, '--pin', directory(), '--json', '--attach');
    expect(loaded.status).toBe(6);
    const lines = loaded.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({
      object: first,
      ok: true,
      programs: [
        {
          name: 'count',
          section: 'xdp',
          type: 'xdp',
          tag: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
          insnsSha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
          pin: path.join(directory(), 'first', 'count'),
          link: null,
        },
      ],
      maps: [
        {
          name: 'hits',
          type: 'hash',
          keySize: 4,
          valueSize: 8,
          maxEntries: 64,
          flags: 0,
          pin: path.join(directory(), 'first', 'maps', 'hits'),
        },
      ],
      cache: 'miss',
      error: null,
    });
    expect(Object.keys(lines[0]!['elapsedUs'] as object).sort()).toEqual(
      ['maps', 'parse', 'pin', 'programs', 'read', 'relocate', 'total'].sort(),
    );
    expect(lines[1]).toMatchObject({
      ok: false,
      error: { code: 'VERIFIER_REJECTED', program: 'bad', section: 'xdp', errno: 'EACCES', line: 5 },
    });
    expect(lines[2]).toMatchObject({
      programs: [
        {
          name: 'watch',
          link: path.join(directory(), 'second', 'links', 'watch'),
          attached: 'raw_tracepoint sched_process_exec',
        },
      ],
    });
    expect(fs.existsSync(path.join(directory(), 'broken'))).toBe(false);

    expect(nxBpf('load', first, '--pin', path.join(directory(), 'again'), '--json').stdout).toContain(
      '"cache":"hit"',
    );
    expect(nxBpf('unload', directory(), '--json')).toMatchObject({ status: 0 });
    expect(fs.existsSync(directory())).toBe(false);
    expect(nxBpf('unload', directory()).stderr).toContain('nothing is loaded there');
  });

  test('unload takes nothing where something is that no raw load made', () => {
    const file = object('first', hits + count);
    expect(nxBpf('load', file, '--pin', directory()).status).toBe(0);
    fs.mkdirSync(path.join(directory(), 'theirs', 'deep'), { recursive: true });
    fs.renameSync(path.join(directory(), 'maps', 'hits'), path.join(directory(), 'theirs', 'deep', 'hits'));
    for (const place of [directory(), kernel.bpffs]) {
      const { status, stderr } = nxBpf('unload', place);
      expect(status).toBe(8);
      expect(stderr).toContain(`${place} was not made by nx-bpf load: nothing is removed`);
      expect(stderr).toContain('theirs/deep/hits');
    }
    expect(fs.existsSync(path.join(directory(), 'count'))).toBe(true);
    fs.rmSync(path.join(directory(), 'theirs'), { recursive: true });
    expect(nxBpf('unload', directory()).status).toBe(0);
  });

  test('load --programs: only what is named, and the maps that it needs', () => {
    const file = object(
      'two',
      `${hits}${count}\nSEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }`,
    );
    const { stdout } = nxBpf('load', file, '--pin', directory(), '--programs', 'pass', '--json');
    const line = JSON.parse(stdout) as { programs: { name: string }[]; maps: unknown[] };
    expect([line.programs.map(({ name }) => name), line.maps]).toEqual([['pass'], []]);
    expect(nxBpf('load', file, '--pin', directory(), '--programs', 'pas').stderr).toContain(
      "no program 'pas'",
    );
    nxBpf('unload', directory());
  });

  test('load --btf: CO-RE against the types of a file', () => {
    const types = (fields: string): string => `struct peer { ${fields} };`;
    const program = `
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
${types('int weight;')}
#pragma clang attribute pop
SEC("xdp") int weigh(struct xdp_md *ctx) { return __builtin_preserve_field_info(((struct peer *)0)->weight, 0); }`;
    const other = object('other', `${types('char name[24]; int weight;')}\nstruct peer peer;`);
    const file = object('weigh', program);
    const { stdout, stderr } = nxBpf('load', file, '--pin', directory(), '--btf', other, '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    const loaded = Program.open(path.join(directory(), 'weigh'));
    expect(loaded.testRun({ data: new Uint8Array(64) }).returnValue).toBe(24);
    loaded.close();
    nxBpf('unload', directory());
  });

  test('a pin that is held by a different map: every difference, and what to do', () => {
    const small = object('small', hits + count);
    const large = object(
      'large',
      hits.replace('64', '128').replace('__type(value, __u64)', '__type(value, __u32)') + count,
    );
    expect(nxBpf('load', small, '--pin', directory()).status).toBe(0);
    const before = fs.readdirSync(directory()).sort();
    fs.rmSync(path.join(directory(), 'count'));
    const { status, stderr } = nxBpf('load', large, '--pin', directory());
    expect(status).toBe(7);
    expect(stderr).toContain(
      'value_size is 8, the object defines 4; max_entries is 64, the object defines 128',
    );
    expect(stderr).toContain('change the object');
    expect(fs.readdirSync(directory()).sort()).toEqual(before.filter((name) => name !== 'count'));
    nxBpf('unload', directory());
  });

  test.each([
    ['no-btf', hits + count, { debug: false }, 5, 'BTF_MISSING', 'compile with -g'],
    ['static-map', `static ${hits}${count}`, {}, 5, 'MAP_STATIC', "map 'hits' is static"],
    [
      'extern',
      'extern int nosuch; SEC("xdp") int p(void *c) { return nosuch; }',
      {},
      5,
      'EXTERN_UNRESOLVED',
      "'nosuch'",
    ],
    [
      'section',
      'SEC("kprob/x") int p(void *c) { return 0; }',
      {},
      5,
      'SECTION_UNKNOWN',
      'did you mean SEC("kprobe/x")',
    ],
    ['no-size', hits.replace('64', '0') + count, {}, 5, 'MAP_INVALID', 'max_entries is 0'],
    [
      'target',
      'SEC("tp_btf/sched_process_exek") int p(void *c) { return 0; }',
      {},
      5,
      'ATTACH_TARGET_NOT_FOUND',
      'sched_process_exec',
    ],
  ])('bad object %s: said at once, and nothing is left', (name, source, options, status, code, text) => {
    const ended = nxBpf('load', object(name, source, options), '--pin', directory(), '--json');
    expect(ended.status).toBe(status);
    expect(JSON.parse(ended.stdout)).toMatchObject({ ok: false, error: { code } });
    expect(ended.stderr).toContain(text);
    expect(fs.existsSync(directory())).toBe(false);
  });

  test('the verifier: its reason, the C line, and the whole log on request', () => {
    const file = object(
      'refused',
      `SEC("xdp") int bad(struct xdp_md *ctx)
{
  int *first = (void *)(long)ctx->data;
  return *first;
}`,
    );
    const { status, stderr } = nxBpf('load', file, '--pin', directory(), '--verbose');
    expect(status).toBe(6);
    expect(stderr).toMatch(/test\.bpf\.c:8 \(instruction \d+\): invalid access to packet/);
    expect(stderr).toContain('compare the end of the access with data_end first');
    expect(stderr).toContain('processed 2 insns');
  });

  test('no privileges: the capabilities that are missing', () => {
    const file = object('plain', count.replace('bpf_map_lookup_elem(&hits, &zero)', 'zero'));
    fs.chmodSync(kernel.bpffs, 0o777);
    const nobody = ['setpriv', '--reuid', '65534', '--clear-groups'];
    // The object is in a directory that only root may enter.
    fs.chmodSync(path.dirname(kernel.directory), 0o755);
    const { status, stderr } = nxBpfAs(nobody, 'load', file, '--pin', directory(), '--no-cache');
    expect(stderr).toContain('this process lacks CAP_BPF');
    expect(status).toBe(9);
    expect(fs.existsSync(directory())).toBe(false);

    fs.mkdirSync(directory(), { mode: 0o700 });
    const unloaded = nxBpfAs(nobody, 'unload', directory());
    expect(unloaded.stderr).toContain(`${directory()}: EACCES (Permission denied); run this as root`);
    expect(unloaded.status).toBe(9);
    fs.rmdirSync(directory());
  });

  test('no bpffs there', () => {
    const { status, stderr } = nxBpf(
      'load',
      object('plain', hits + count),
      '--pin',
      path.join(kernel.directory, 'pins'),
    );
    expect(status).toBe(8);
    expect(stderr).toContain('is not on a bpf file system');
  });

  test('inspect: what is in an object, as text and as JSON', () => {
    const file = object(
      'seen',
      `const volatile __u32 rate = 1;\n${hits}${count.replace('return', 'if (rate) return')}`,
    );
    expect(nxBpf('inspect', file).stdout).toMatch(/count +xdp +xdp +\d+ +0 +\.rodata hits/);
    expect(JSON.parse(nxBpf('inspect', file, '--json').stdout)).toMatchObject({
      ok: true,
      byteOrder: 'little',
      license: 'GPL',
      programs: [{ name: 'count', type: 'xdp' }],
      maps: [
        { name: 'hits', type: 'hash', maxEntries: 64 },
        { name: '.rodata', frozen: true },
      ],
      variables: [{ name: 'rate', map: '.rodata', size: 4, type: 'const volatile __u32' }],
      externs: [],
    });
  });

  test('the command line itself', () => {
    expect(nxBpf('lod')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('Did you mean load?') as string,
    });
    expect(nxBpf('load', 'x.o')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('--pin') as string,
    });
    expect(nxBpf('--version').stdout.trim()).toBe('0.1.0');
  });
});
