import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { BpfError } from '@nx-bpf/loader';
import { pinName } from './config';
import { loadProject } from './load-project';

let home = '';

afterEach(() => {
  if (home !== '') fs.rmSync(home, { recursive: true });
  home = '';
});

/** What is said of a manifest, in a workspace that has a directory beside it and links that lead there. */
function refusal(manifest: string): BpfError {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'hostile-'));
  const [project, outside] = [path.join(home, 'ws/a'), path.join(home, 'outside')];
  fs.mkdirSync(project, { recursive: true });
  fs.mkdirSync(outside);
  fs.writeFileSync(path.join(outside, 'x.bpf.c'), 'int x;\n');
  fs.writeFileSync(path.join(outside, 'list.yaml'), '[]\n');
  fs.symlinkSync('../../outside', path.join(project, 'link'));
  fs.symlinkSync('../../outside/x.bpf.c', path.join(project, 'x.bpf.c'));
  fs.symlinkSync('../../outside/later.bpf.c', path.join(project, 'later.bpf.c'));
  fs.writeFileSync(path.join(project, 'bpf.config.yaml'), manifest);
  try {
    loadProject({ workspaceRoot: path.join(home, 'ws') });
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

const source = (file: string): string => `version: 1\nobjects: { o: { source: ${JSON.stringify(file)} } }\n`;
const object = (rest: string): string => `version: 1\nobjects: { o: { source: o.bpf.c, ${rest} } }\n`;
const contents = (file: string): string =>
  `version: 1\nmaps: { m: { contents: { file: ${JSON.stringify(file)} } } }\n`;
const named = (part: string, name: string): string =>
  `version: 1\n${part}: { ${JSON.stringify(name)}: {} }\n`;

describe('hostile manifests are refused, each with what is wrong', () => {
  const badNames = ['..', '../x', 'a/b', '/etc', 'a.b', 'a\0b', '', 'a\nb', 'é'];
  test.each(
    ['objects', 'programs', 'structOps', 'kernels'].flatMap((part) =>
      badNames
        // Kernels are called as their packages are: 6.1.0.
        .filter((name) => part !== 'kernels' || name !== 'a.b')
        .map((name) => [part, name] as const),
    ),
  )('in %s, the name %j', (part, name) => {
    const { code, fields } = refusal(named(part, name));
    expect(code).toBe('MANIFEST_INVALID');
    expect(fields.problems).toContainEqual(expect.stringContaining(`bad name '${name}' in ${part}`));
  });

  test.each(['../x', 'a/b', '/etc', 'a\0b', ''])('in maps, the name %j', (name) => {
    const { fields } = refusal(named('maps', name));
    expect(fields.problems).toContainEqual(expect.stringContaining(`bad name '${name}' in maps`));
  });

  test.each(badNames)('an environment, by the name %j', (name) => {
    const { code, fields } = refusal(`version: 1\nenvironments: { dev: {}, ${JSON.stringify(name)}: {} }\n`);
    expect(code).toBe('MANIFEST_INVALID');
    expect(fields.problems).toContainEqual(expect.stringContaining(`bad name '${name}' in environments`));
  });

  test('an alias', () => {
    const { fields } = refusal('a: &a [x]\nb: *a\n');
    expect(fields.problems).toContainEqual(expect.stringContaining('aliases (*name) are not allowed'));
  });

  test('a map called .. is pinned by a name without dots', () => {
    expect(pinName('..')).toBe('__');
  });

  test.each([
    ['a source by an absolute path', source('/etc/passwd'), "'/etc/passwd' is an absolute path"],
    ['a source outside', source('../../outside/x.bpf.c'), 'is outside the workspace'],
    ['a source with a NUL', source('x\0.c'), 'a path with a NUL in it'],
    ['a source that is a link out', source('x.bpf.c'), 'through a symbolic link'],
    ['a source behind a link out', source('link/x.bpf.c'), 'through a symbolic link'],
    ['a source by a link to what is not there yet', source('later.bpf.c'), 'through a symbolic link'],
    ['an include directory outside', object("includes: ['../..']"), 'is outside the workspace'],
    ['an include directory by its path', object('includes: [/usr/include]'), 'is an absolute path'],
    ['an include directory behind a link', object('includes: [link]'), 'through a symbolic link'],
    ['-I outside', object("cflags: ['-I../..']"), 'is outside the workspace'],
    ['-I behind a link', object('cflags: [-Ilink]'), 'through a symbolic link'],
    ['-isystem outside', object('cflags: [-isystem/usr/include]'), 'is an absolute path'],
    ['contents outside', contents('../../outside/list.yaml'), 'is outside the workspace'],
    ['contents by their path', contents('/etc/shadow'), 'is an absolute path'],
    ['contents behind a link', contents('link/list.yaml'), 'through a symbolic link'],
    ['types outside', 'version: 1\ntoolchain: { vmlinux: /etc/passwd }\n', 'is an absolute path'],
    [
      'a compiler that is none',
      'version: 1\ntoolchain: { clang: /bin/sh }\n',
      "found '/bin/sh', expected clang",
    ],
    ['a compiler outside', 'version: 1\ntoolchain: { clang: ../../clang }\n', 'is outside the workspace'],
    ['a pin root with ..', 'version: 1\npin: { root: /sys/fs/bpf/../x }\n', 'expected an absolute path'],
    ['a relative pin root', 'version: 1\npin: { root: bpf }\n', 'expected an absolute path'],
  ])('%s', (_, manifest, text) => {
    const { code, fields } = refusal(manifest);
    expect(code).toBe('MANIFEST_INVALID');
    expect(fields.problems).toContainEqual(expect.stringContaining(text));
  });

  test.each([
    ...['-o', '-oevil', '-x', '-xc++', '-Xclang', '-load', '-fplugin=./evil.so', '-fpass-plugin=./evil.so'],
    ...[
      '@flags',
      '-include',
      '-mllvm',
      '-Wl,-x',
      '-B.',
      '--config=x',
      '--sysroot=/',
      '-isysroot/',
      '-nostdinc',
    ],
  ])('the flag %s', (flag) => {
    const { code, fields } = refusal(object(`cflags: ['${flag}']`));
    expect(code).toBe('MANIFEST_INVALID');
    expect(fields.problems).toEqual([expect.stringContaining(`flag '${flag}' is not allowed`)]);
  });

  const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\n${[...'bcdefghij']
    .map((name, i) => `${name}: &${name} [${Array<string>(9).fill(`*${'abcdefghij'[i]}`).join(', ')}]`)
    .join('\n')}\n`;
  test.each([
    ['a bomb of aliases', bomb, 'anchors (&name) are not allowed'],
    ['a merge key', 'version: 1\nobjects: { <<: { o: {} } }\n', "'<<' is not allowed as a key"],
    ['a tag', 'version: !!js/function 1\n', 'tags'],
    ['a key twice', 'version: 1\nmaps: {}\nmaps: {}\n', "key 'maps' is there twice"],
    ['the prototype', 'version: 1\nmaps: { __proto__: {} }\n', "'__proto__' is not allowed as a key"],
    ['two documents', 'version: 1\n---\nversion: 1\n', 'document'],
    ['lists in lists', `version: ${'['.repeat(100_000)}`, 'nested too deeply'],
    ['maps in maps', `version: ${'{ a: '.repeat(30)}1${' }'.repeat(30)}\n`, 'nested more than 24 levels'],
    ['a long file', `version: 1 #${' '.repeat(1 << 20)}\n`, 'longer than 1048576 characters'],
    [
      'a huge number',
      'version: 1\nmaps: { m: { maxEntries: 1e400 } }\n',
      'not a value that a manifest can hold',
    ],
    [
      'a number of many digits',
      `version: 1\nmaps: { m: { maxEntries: 1${'0'.repeat(50)} } }\n`,
      'maxEntries',
    ],
    ['a negative number', 'version: 1\nmaps: { m: { maxEntries: -1 } }\n', 'maps.m.maxEntries: found -1'],
    ['a number of more than 32 bits', 'version: 1\nmaps: { m: { maxEntries: 4294967296 } }\n', 'maxEntries'],
  ])('%s', (_, manifest, text) => {
    const { code, fields } = refusal(manifest);
    expect(code).toBe('MANIFEST_INVALID');
    expect(fields.problems).toContainEqual(expect.stringContaining(text));
  });
});
