import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BpfError, BtfBuilder, decodeRelocated } from '@nx-bpf/loader';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadProject, type ProjectConfig } from '../manifest';
import { buildObjects, type BuiltObject } from '../toolchain';
import { checkLock, readBundle, relocateForKernels, updateLock, writeBundle } from './index';

let base = '';
/** Bundles are unpacked below TMPDIR: one of our own, so that what is left there is seen. */
const temporary = process.env['TMPDIR'];
beforeEach(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-lock-test-'));
  process.env['TMPDIR'] = base;
});
afterEach(() => {
  fs.rmSync(base, { recursive: true });
  if (temporary === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = temporary;
});

/** A workspace of its own, as a checkout would be in a directory of that name. */
function workspace(name: string): string {
  const root = path.join(base, name);
  const files: Record<string, string> = {
    'bpf.config.yaml':
      'version: 1\nenvironments: { dev: {}, prod: { maps: { hits: { maxEntries: 64 } } } }\n',
    'p/package.json': '{ "name": "p" }',
    'p/data/hits.yaml': '1: 2\n',
    'p/bpf.config.yaml': `version: 1
objects: { edge: { constants: { big: 0xffffffffffffffff } } }
maps: { hits: { contents: { file: data/hits.yaml } } }
programs: { guard: {} }
`,
    'p/src/edge.bpf.c': `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "answer.h"
const volatile __u64 big = 1;
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } hits SEC(".maps");
SEC("xdp") int guard(struct xdp_md *ctx) { __u32 key = 0; return bpf_map_lookup_elem(&hits, &key) ? ANSWER : big > 1; }
char LICENSE[] SEC("license") = "GPL";
`,
    'p/src/answer.h': '#define ANSWER XDP_PASS\n',
  };
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  }
  return root;
}

async function built(
  root: string,
  environment = 'dev',
): Promise<{ config: ProjectConfig; objects: BuiltObject[] }> {
  const config = loadProject({ workspaceRoot: root, project: 'p', environment });
  const objects = await buildObjects(config, { outDir: path.join(config.projectRoot, 'dist', environment) });
  return { config, objects };
}

function failure(action: () => unknown): BpfError {
  try {
    action();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('no error');
}

async function rejection(promise: Promise<unknown>): Promise<BpfError> {
  const outcome: unknown = await promise.catch((error: unknown) => error);
  if (outcome instanceof BpfError) return outcome;
  throw new Error('no error');
}

describe('lock file', () => {
  test('a second checkout reproduces it byte for byte; environments and projects keep their entries', async () => {
    const texts: string[] = [];
    for (const name of ['one', 'another/deeper']) {
      const root = workspace(name);
      for (const environment of ['prod', 'dev']) {
        const { config, objects } = await built(root, environment);
        expect(updateLock(config, objects)).toBe(true);
        expect(updateLock(config, objects)).toBe(false);
        checkLock(config, objects);
      }
      texts.push(fs.readFileSync(path.join(root, 'bpf.lock.json'), 'utf8'));
    }
    expect(texts[0]).toBe(texts[1]);
    const { dev, prod } = (
      JSON.parse(texts[0]!) as {
        projects: { p: Record<string, { objects: { edge: Record<string, unknown> } }> };
      }
    ).projects.p;
    expect(Object.keys(dev!.objects.edge)).toEqual(['flags', 'object', 'programs', 'maps']);
    // The environments differ in the size of a map alone.
    expect(dev!.objects.edge['object']).toBe(prod!.objects.edge['object']);
    expect(dev!.objects.edge['maps']).not.toEqual(prod!.objects.edge['maps']);
    expect(texts[0]).not.toContain(base);
  });

  test('says what differs: a header, a flag, an object that is new', async () => {
    const root = workspace('ws');
    const first = await built(root);
    updateLock(first.config, first.objects);

    fs.writeFileSync(path.join(root, 'p/src/answer.h'), '#define ANSWER XDP_DROP\n');
    const changed = await built(root);
    const error = failure(() => checkLock(changed.config, changed.objects));
    expect(error).toMatchObject({ code: 'LOCK_MISMATCH' });
    expect(error.fields.problems).toEqual([
      expect.stringMatching(/^object 'edge': locked [0-9a-f]{64}, found [0-9a-f]{64}$/),
      expect.stringMatching(/^object 'edge': program 'guard': locked [0-9a-f]{64}, found [0-9a-f]{64}$/),
    ]);
    expect(error.fields.hint).toContain('nx-bpf lock p -e dev');

    fs.writeFileSync(path.join(root, 'p/src/answer.h'), '#define ANSWER XDP_PASS\n');
    fs.appendFileSync(path.join(root, 'bpf.config.yaml'), 'toolchain: { cflags: [-DX=1] }\n');
    const flagged = await built(root);
    expect(failure(() => checkLock(flagged.config, flagged.objects)).fields.problems).toEqual([
      expect.stringMatching(/^object 'edge': flags: locked .*, found .*-DX=1/),
    ]);
  });

  test('an environment that was never locked, and a file that a merge has broken', async () => {
    const root = workspace('ws');
    const { config, objects } = await built(root);
    expect(failure(() => checkLock(config, objects)).message).toContain('p@dev is not in bpf.lock.json');
    fs.writeFileSync(path.join(root, 'bpf.lock.json'), '<<<<<<< HEAD\n{}\n');
    expect(failure(() => checkLock(config, objects))).toMatchObject({ code: 'LOCK_MISMATCH' });
    expect(failure(() => updateLock(config, objects)).message).toContain('is not a lock file');
    fs.writeFileSync(
      path.join(root, 'bpf.lock.json'),
      '{ "version": 1, "projects": { "p": { "dev": { "objects": { "edge": {} } } } } }',
    );
    expect(failure(() => checkLock(config, objects)).message).toContain('is not a lock file');
  });
});

describe('bundle', () => {
  test('the same from two checkouts; unpacked it says what the manifest said, with its files', async () => {
    const digests: string[] = [];
    for (const name of ['one', 'another/deeper']) {
      const { config, objects } = await built(workspace(name));
      const file = path.join(base, `${path.basename(name)}.nxbpf`);
      digests.push(await writeBundle(config, objects, file));
      expect(digests.at(-1)).toBe(createHash('sha256').update(fs.readFileSync(file)).digest('hex'));
    }
    expect(digests[0]).toBe(digests[1]);

    const bundle = await readBundle(path.join(base, 'one.nxbpf'));
    const { config } = await built(workspace('one'));
    expect(bundle.sha256).toBe(digests[0]);
    expect(bundle.config).toMatchObject({ project: 'p', environment: 'dev', revision: config.revision });
    expect(bundle.config.objects['edge']?.constants).toEqual({ big: 0xffffffffffffffffn });
    const contents = bundle.config.maps['hits']?.contents?.from as { file: string };
    expect(fs.readFileSync(contents.file, 'utf8')).toBe('1: 2\n');
    const [object] = bundle.objects;
    expect(createHash('sha256').update(fs.readFileSync(object!.file)).digest('hex')).toBe(object!.sha256);
    expect(fs.statSync(path.dirname(path.dirname(object!.file))).mode & 0o077).toBe(0);
    bundle.close();
    expect(fs.existsSync(object!.file)).toBe(false);
  });

  test('packets of run checks come along', async () => {
    const root = workspace('checked');
    fs.writeFileSync(path.join(root, 'p/data/frame.bin'), 'some bytes');
    fs.appendFileSync(
      path.join(root, 'p/bpf.config.yaml'),
      'run: [{ name: frame, program: guard, input: { packet: { file: data/frame.bin } }, expect: { return: 1 } }]\n',
    );
    const { config, objects } = await built(root);
    const file = path.join(base, 'checked.nxbpf');
    await writeBundle(config, objects, file);
    const bundle = await readBundle(file);
    const [run] = bundle.config.runs;
    expect(run).toMatchObject({ name: 'frame', program: 'guard', expect: { return: 1 } });
    const { file: packet } = run!.packet as { file: string };
    expect(packet.startsWith(root)).toBe(false);
    expect(fs.readFileSync(packet, 'utf8')).toBe('some bytes');
    bundle.close();
  });

  test('what the manifest says of the host stays as it is; where the compiler looked is left out', async () => {
    const root = workspace('ws');
    fs.appendFileSync(path.join(root, 'bpf.config.yaml'), 'toolchain: { cflags: [-Ishared] }\n');
    fs.writeFileSync(
      path.join(root, 'p/bpf.config.yaml'),
      `version: 1
objects: { edge: {} }
programs: { guard: { attach: [{ id: main, uprobe: { binary: ${root}/bin/server, function: main } }] } }
`,
    );
    const { config, objects } = await built(root);
    const file = path.join(base, 'p.nxbpf');
    await writeBundle(config, objects, file);
    const bundle = await readBundle(file);
    expect(bundle.config.programs).toEqual(config.programs);
    expect(bundle.config.programs['guard']?.attach[0]?.options).toMatchObject({
      binary: `${root}/bin/server`,
    });
    bundle.close();
    expect(config.toolchain.cflags).toEqual([`-I${root}/shared`]);
    expect(fs.readFileSync(file, 'latin1')).not.toContain(`${root}/shared`);
  });

  test('objects relocated for kernels of the manifest come along; what a kernel does not have, is left to its host', async () => {
    const { config, objects } = await built(workspace('ws'));
    const kernel = { name: 'empty', btf: new BtfBuilder().build() };
    const relocations = relocateForKernels(config, objects, [kernel]);
    expect(relocations).toMatchObject([{ object: 'edge', programs: ['guard'], kernel: 'empty' }]);
    const file = path.join(base, 'p.nxbpf');
    const plain = await writeBundle(config, objects, file);
    expect(await writeBundle(config, objects, file, relocations)).not.toBe(plain);
    const bundle = await readBundle(file);
    expect(bundle.relocations).toEqual(relocations);
    expect(decodeRelocated(bundle.relocations[0]!.bytes).programs.map(({ name }) => name)).toEqual(['guard']);
    bundle.close();
  });

  test('a changed byte anywhere is noticed, or changes nothing; nothing is left unpacked', async () => {
    const { config, objects } = await built(workspace('ws'));
    const file = path.join(base, 'p.nxbpf');
    await writeBundle(config, objects, file);
    const bytes = fs.readFileSync(file);
    let refused = 0;
    const step = 97;
    for (let at = 0; at < bytes.length; at += step) {
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 0x15;
      fs.writeFileSync(file, changed);
      try {
        (await readBundle(file)).close();
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        refused++;
      }
    }
    // What is between the entries and what tar itself has of owners and padding may change.
    expect(refused / Math.ceil(bytes.length / step)).toBeGreaterThan(0.6);
    expect(fs.readdirSync(base).filter((name) => name.startsWith('nx-bpf-bundle-'))).toEqual([]);
  });

  test.each([
    ['no archive', Buffer.from('hello'), /is not a bundle/],
    ['nothing', Buffer.alloc(0), /is not a bundle/],
    ['an archive of nothing', Buffer.alloc(1024), /is not a bundle/],
  ])('%s', async (_name, bytes, message) => {
    const file = path.join(base, 'x.nxbpf');
    fs.writeFileSync(file, bytes);
    const error = await rejection(readBundle(file));
    expect(error).toMatchObject({ code: 'BUNDLE_INVALID' });
    expect(error.message).toMatch(message);
  });

  /** The bundle with another index, and the digest of it: as a hand would change it that knows how. */
  async function rewritten(change: (index: Record<string, unknown>) => void): Promise<string> {
    const { config, objects } = await built(workspace('ws'));
    const file = path.join(base, 'p.nxbpf');
    await writeBundle(config, objects, file);
    const unpacked = path.join(base, 'unpacked');
    fs.mkdirSync(unpacked);
    const { create, extract } = await import('tar');
    extract({ sync: true, file, cwd: unpacked });
    const index = JSON.parse(fs.readFileSync(path.join(unpacked, 'bundle.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    change(index);
    const text = JSON.stringify(index);
    fs.writeFileSync(path.join(unpacked, 'bundle.json'), text);
    fs.writeFileSync(path.join(unpacked, 'bundle.sha256'), createHash('sha256').update(text).digest('hex'));
    const entries = [...fs.readdirSync(unpacked), 'objects/edge.bpf.o', 'data/hits.yaml'];
    const files = entries.filter((entry) => fs.statSync(path.join(unpacked, entry)).isFile());
    create({ sync: true, file, cwd: unpacked, portable: true, noPax: true }, files);
    return file;
  }

  /** The text of the manifest in the index, changed. */
  const replaced =
    (before: string, after: string) =>
    (index: Record<string, unknown>): void => {
      const text = index['config'] as string;
      expect(text).toContain(before);
      index['config'] = text.replace(before, after);
    };

  test.each<[string, (index: Record<string, unknown>) => void, RegExp]>([
    ['no manifest', (index) => (index['config'] = 'null'), /none that could be deployed/],
    [
      'a project that leads out of the pin root',
      (index) => {
        index['project'] = '../..';
        index['config'] = (index['config'] as string).replace('"project":"p"', '"project":"../.."');
      },
      /none that could be deployed: project:/,
    ],
    [
      'a map that is pinned elsewhere',
      replaced('"pin":"project"', '"pin":{"path":"/sys/fs/bpf/../../../tmp/x"}'),
      /none that could be deployed: maps.hits.pin/,
    ],
    [
      'a program whose name leads out of its directory',
      replaced('"programs":{"guard"', '"programs":{"../../guard"'),
      /none that could be deployed: programs.*guard/,
    ],
    [
      'a map whose name leads out of its directory',
      replaced('"maps":{"hits"', '"maps":{".."'),
      /none that could be deployed: maps/,
    ],
    [
      'a root that leads elsewhere',
      replaced('"root":"/sys/fs/bpf/nx-bpf"', '"root":"/sys/fs/bpf/../../../tmp"'),
      /none that could be deployed: pin.root/,
    ],
    [
      'a key that no manifest has',
      replaced('"programs":{"guard":{', '"programs":{"guard":{"run":"id",'),
      /none that could be deployed: programs.guard: Unrecognized key: "run"/,
    ],
    [
      'a value nested beyond all measure',
      replaced('"constants":{', `"constants":{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)},`),
      /its manifest: /,
    ],
    [
      'another environment',
      (index) => (index['environment'] = 'prod'),
      /of environment 'dev', its index of 'prod'/,
    ],
    [
      'an object that is no entry',
      (index) => Object.assign((index['objects'] as object[])[0]!, { file: '../../edge.bpf.o' }),
      /object 'edge' is not in it/,
    ],
    [
      'an object without a digest',
      (index) => (index['objects'] = [{ name: 'edge', file: '../../edge.bpf.o' }]),
      /bundle.json.objects\[0\].sha256: found nothing, expected text/,
    ],
    [
      'a manifest without attachments',
      (index) => (index['config'] = (index['config'] as string).replace('"attach"', '"attached"')),
      /programs\.\w+\.attach/,
    ],
    [
      'a path that leads out',
      (index) => {
        index['config'] = (index['config'] as string).replace('data/hits.yaml', '../../hits.yaml');
      },
      /'..\/..\/hits.yaml' leads out of the bundle/,
    ],
  ])('changed by hand: %s', async (_name, change, message) => {
    const error = await rejection(readBundle(await rewritten(change)));
    expect(error).toMatchObject({ code: 'BUNDLE_INVALID' });
    expect(error.message).toMatch(message);
    expect(fs.readdirSync(base).filter((name) => name.startsWith('nx-bpf-bundle-'))).toEqual([]);
  });

  test('a place where no directory can be made is an error, and no loop', async () => {
    const { config, objects } = await built(workspace('ws'));
    const error = await rejection(writeBundle(config, objects, '/proc/x/p.nxbpf'));
    expect(error).toMatchObject({ code: 'FILE' });
    expect(error.message).toContain('/proc/x/p.nxbpf');
  });

  test('a file that is not there', async () => {
    expect(await rejection(readBundle(path.join(base, 'none')))).toMatchObject({ code: 'FILE' });
  });
});
