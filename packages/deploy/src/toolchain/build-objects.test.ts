import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BpfError, BtfBuilder, ElfFile } from '@nx-bpf/loader';
import { loadProject } from '../manifest';
import { buildObjects } from './build-objects';
import { type BuildRecord } from './build-record';

const made: string[] = [];

afterEach(() => {
  vi.unstubAllEnvs();
  for (const root of made.splice(0)) fs.rmSync(root, { recursive: true });
});

const files: Record<string, string> = {
  // A header of our own in place of the kernel's types: it need not be generated for each of these workspaces.
  'types.h': 'typedef unsigned int u32;\n',
  'bpf.config.yaml': 'toolchain: { vmlinux: types.h, cflags: [-Wall] }\n',
  'agent/bpf.config.yaml': `objects:
  one: { source: src/one.bpf.c, includes: [include] }
  two: { source: src/two.bpf.c, includes: [early, include] }
`,
  'agent/include/limits.h': '#define LIMIT 7\n',
  'agent/src/one.bpf.c': `#include <vmlinux.h>
#include <limits.h>
u32 mask = 1;
__attribute__((section("socket"), used)) int one(void *ctx) { u32 limit = LIMIT; return mask + limit + (__FILE__[0] == '/'); }
char _license[] __attribute__((section("license"))) = "GPL";
`,
  'agent/src/two.bpf.c': `#include <limits.h>
#include <asm/types.h>
__attribute__((section("socket"), used)) int two(void *ctx) { __u32 x = LIMIT; return x; }
`,
};

function workspace(changes: Record<string, string> = {}): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'toolchain-'));
  made.push(root);
  for (const [name, text] of Object.entries({ ...files, ...changes })) write(root, name, text);
  return root;
}

function write(root: string, name: string, text: string | Uint8Array): void {
  fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  fs.writeFileSync(path.join(root, name), text);
}

async function build(root: string, set: string[] = [], locked: Record<string, string> = {}) {
  const notes: string[] = [];
  const config = loadProject({ workspaceRoot: root, set });
  const outDir = path.join(root, 'agent/dist/bpf/dev');
  const objects = await buildObjects(config, { outDir, locked, note: (text) => notes.push(text) });
  return { objects, notes, cached: objects.map(({ cached }) => cached) };
}

async function failure(root: string): Promise<BpfError> {
  try {
    await build(root);
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('it compiled');
}

describe('objects', () => {
  test('are the same bytes in every checkout, and hold no path of it', async () => {
    const [a, b] = [await build(workspace()), await build(workspace())];
    const bytes = [a, b].map(({ objects }) => objects.map(({ file }) => fs.readFileSync(file)));
    expect(bytes[0]).toEqual(bytes[1]);
    expect(bytes[0]![0]!.includes(os.tmpdir())).toBe(false);
    expect(bytes[0]![0]!.includes('clang version')).toBe(false);
    const elf = ElfFile.parse(bytes[0]![0]!, { object: 'one' });
    expect(elf.section('.BTF')).toBeDefined();
    expect(elf.section('.debug_info')).toBeUndefined();
  });

  test('know what they were made from', async () => {
    const root = workspace();
    const [one, two] = (await build(root)).objects;
    const inputs = one!.inputs.map((file) => path.relative(root, file));
    expect(inputs[0]).toBe('agent/src/one.bpf.c');
    expect(inputs).toContain('agent/include/limits.h');
    expect(inputs.some((file) => /^\.nx-bpf\/vmlinux\/[0-9a-f]{64}\/vmlinux\.h$/.test(file))).toBe(true);
    expect(two!.inputs.some((file) => file.endsWith('/asm/types.h'))).toBe(true);
    expect(fs.readFileSync(one!.file.replace(/o$/, 'd'), 'utf8')).toMatch(
      /^agent\/dist\/bpf\/dev\/one\.bpf\.o: /,
    );
  });

  test('and a record that somebody else put there are compiled again, unless they are locked', async () => {
    const root = workspace();
    const honest = (await build(root)).objects;
    const forged = path.join(root, 'agent/dist/bpf/dev');
    // As whoever may write to a cache could: another program, and a record that agrees with it.
    const bytes = fs.readFileSync(path.join(forged, 'two.bpf.o'));
    const recordFile = path.join(forged, 'one.bpf.json');
    const record = JSON.parse(fs.readFileSync(recordFile, 'utf8')) as BuildRecord;
    write(forged, 'one.bpf.o', bytes);
    write(forged, 'one.bpf.json', JSON.stringify({ ...record, object: honest[1]!.sha256 }));
    const again = await build(root);
    expect(again.cached).toEqual([false, true]);
    expect(again.objects[0]!.sha256).toBe(honest[0]!.sha256);
    expect(fs.readFileSync(path.join(forged, 'one.bpf.o')).equals(bytes)).toBe(false);

    // What is restored in another checkout is not known there; a lock file that was reviewed says that it is right.
    fs.rmSync(path.join(root, '.nx-bpf'), { recursive: true });
    const locked = Object.fromEntries(honest.map(({ name, sha256 }) => [name, sha256]));
    expect((await build(root, [], { one: locked['one']!, two: locked['one']! })).cached).toEqual([
      true,
      false,
    ]);
    fs.rmSync(path.join(root, '.nx-bpf'), { recursive: true });
    expect((await build(root, [], locked)).cached).toEqual([true, true]);
    expect((await build(root)).cached).toEqual([false, false]);
    expect((await build(root)).cached).toEqual([true, true]);
  });

  test('do not depend on the environment of the caller', async () => {
    const root = workspace({ 'evil/limits.h': '#define LIMIT 666\n' });
    const before = (await build(root)).objects[0]!.sha256;
    fs.rmSync(path.join(root, 'agent/dist'), { recursive: true });
    for (const name of ['CPATH', 'C_INCLUDE_PATH']) vi.stubEnv(name, path.join(root, 'evil'));
    vi.stubEnv('CCC_OVERRIDE_OPTIONS', '+-DLIMIT=8');
    expect((await build(root)).objects[0]!.sha256).toBe(before);
  });
});

describe('a build is only repeated where something changed', () => {
  test('nothing', async () => {
    const root = workspace();
    expect((await build(root)).cached).toEqual([false, false]);
    expect((await build(root)).cached).toEqual([true, true]);
  });

  test.each<[string, (root: string) => void, boolean[]]>([
    [
      'a source',
      (root) => write(root, 'agent/src/one.bpf.c', `${files['agent/src/one.bpf.c']}\nint more;`),
      [false, true],
    ],
    ['a shared header', (root) => write(root, 'agent/include/limits.h', '#define LIMIT 8\n'), [false, false]],
    [
      'the types',
      (root) => write(root, 'types.h', 'typedef unsigned int u32; typedef char u8;\n'),
      [false, false],
    ],
    [
      'a header that hides one found later',
      (root) => write(root, 'agent/early/limits.h', '#define LIMIT 9\n'),
      [true, false],
    ],
    [
      'the object, by someone else',
      (root) => write(root, 'agent/dist/bpf/dev/one.bpf.o', 'broken'),
      [false, true],
    ],
    [
      'the object is gone',
      (root) => fs.rmSync(path.join(root, 'agent/dist/bpf/dev/two.bpf.o')),
      [true, false],
    ],
    [
      'a damaged record',
      (root) => write(root, 'agent/dist/bpf/dev/one.bpf.json', '{"key": 7}'),
      [false, true],
    ],
  ])('%s', async (_, change, cached) => {
    const root = workspace();
    const before = await build(root);
    change(root);
    expect((await build(root)).cached).toEqual(cached);
    expect((await build(root)).cached).toEqual([true, true]);
    expect(before.cached).toEqual([false, false]);
  });

  test('flags of one object, and the instruction set of all', async () => {
    const root = workspace();
    await build(root);
    expect((await build(root, ['objects.one.cflags=[-DX]'])).cached).toEqual([false, true]);
    expect((await build(root, ['toolchain.mcpu=v2'])).cached).toEqual([false, false]);
  });

  test('a workspace that was moved keeps its objects', async () => {
    const root = workspace();
    await build(root);
    const moved = `${root}-moved`;
    fs.renameSync(root, moved);
    made.splice(made.indexOf(root), 1, moved);
    expect((await build(moved)).cached).toEqual([true, true]);
  });

  test('warnings are shown again', async () => {
    const root = workspace({ 'agent/src/one.bpf.c': 'static int unused(void) { return 1; }\n' });
    const expected = [expect.stringContaining("agent/src/one.bpf.c:1:12: warning: unused function 'unused'")];
    const first = await build(root);
    expect(first.notes).toEqual(expected);
    expect(first.objects[0]?.diagnostics).toMatchObject([{ line: 1, column: 12, severity: 'warning' }]);
    const second = await build(root);
    expect(second.cached).toEqual([true, true]);
    expect(second.notes).toEqual(expected);
  });
});

describe('what goes wrong', () => {
  test("errors in C come in clang's own words, all objects in one error", async () => {
    const root = workspace({
      'agent/src/one.bpf.c': 'int f(void) { return missing; }\n',
      'agent/src/two.bpf.c': '#include "nowhere.h"\n',
    });
    const error = await failure(root);
    expect(error.code).toBe('COMPILE_FAILED');
    expect(error.exitStatus).toBe(4);
    expect(error.fields).toMatchObject({ file: 'agent/src/one.bpf.c', line: 1, column: 22 });
    expect(error.fields.problems).toEqual([
      "agent/src/one.bpf.c:1:22: error: use of undeclared identifier 'missing'",
      "agent/src/two.bpf.c:1:10: fatal error: 'nowhere.h' file not found",
    ]);
    expect(error.message).toContain(
      "object 'one' does not compile:\nagent/src/one.bpf.c:1:22: error: use of",
    );
    expect(error.message).toContain('1 | int f(void) { return missing; }');
    expect(fs.readdirSync(path.join(root, 'agent/dist/bpf/dev'))).toEqual([]);
  });

  test('one object that fails does not keep the others from being built', async () => {
    const root = workspace({ 'agent/src/one.bpf.c': 'oops\n' });
    const error = await failure(root);
    expect(error.fields.object).toBe('one');
    expect(fs.existsSync(path.join(root, 'agent/dist/bpf/dev/two.bpf.o'))).toBe(true);
  });

  test('a source that does not exist points at the manifest', async () => {
    const root = workspace();
    fs.rmSync(path.join(root, 'agent/src/two.bpf.c'));
    const error = await failure(root);
    expect(error.code).toBe('MANIFEST_INVALID');
    expect(error.message).toBe(
      'agent/bpf.config.yaml:3:18: objects.two.source: there is no file agent/src/two.bpf.c',
    );
  });

  test('types that do not exist point at the manifest', async () => {
    const root = workspace();
    fs.rmSync(path.join(root, 'types.h'));
    expect((await failure(root)).message).toMatch(
      /^bpf\.config\.yaml:1:23: toolchain\.vmlinux: .*types\.h cannot be read$/,
    );
  });
});

describe('vmlinux.h', () => {
  const btf = (): Uint8Array => {
    const builder = new BtfBuilder();
    const int = builder.int('unsigned int', 4, 0);
    builder.typedef('u32', int);
    builder.struct('pair', 4, [{ name: 'a', type: int, bitOffset: 0 }]);
    return builder.build();
  };

  test('from a BTF file, made once', async () => {
    const root = workspace();
    write(root, 'types.btf', btf());
    const { objects } = await build(root, ['toolchain.vmlinux=../types.btf']);
    const header = objects[0]!.inputs.find((file) => file.endsWith('vmlinux.h'))!;
    expect(fs.readFileSync(header, 'utf8')).toContain('typedef unsigned int u32;');
    const { mtimeMs } = fs.statSync(header);
    await build(root, ['toolchain.vmlinux=../types.btf']);
    expect(fs.statSync(header).mtimeMs).toBe(mtimeMs);
    // One that is damaged, or from another version, is made anew.
    fs.writeFileSync(header, '/* something else */');
    expect((await build(root, ['toolchain.vmlinux=../types.btf'])).cached).toEqual([true, true]);
  });

  test('from the .BTF of an ELF file', async () => {
    const root = workspace();
    const { objects } = await build(root);
    fs.copyFileSync(objects[0]!.file, path.join(root, 'kernel'));
    const again = await build(root, ['toolchain.vmlinux=../kernel']);
    expect(again.cached).toEqual([false, false]);
  });
});
