import { readJson, type Tree } from '@nx/devkit';
import { createTreeWithEmptyWorkspace } from '@nx/devkit/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import init from './init/init';
import { addToManifest } from './program/add-to-manifest';
import program from './program/program';
import project from './project/project';
import { templates } from './templates';

/** The empty workspace has no formatter. */
const quietly = { skipFormat: true };

let tree: Tree;
beforeEach(() => {
  tree = createTreeWithEmptyWorkspace();
});

/** Every file, with its text. */
function files(folder = '.'): Record<string, string> {
  return Object.fromEntries(
    tree
      .children(folder)
      .flatMap((name) => {
        const place = folder === '.' ? name : `${folder}/${name}`;
        return tree.isFile(place) ? [[place, tree.read(place, 'utf8')!]] : Object.entries(files(place));
      })
      .sort(),
  );
}

const read = (file: string): unknown => parse(tree.read(file, 'utf8')!);

describe('init', () => {
  test('registers the plugin, writes a root manifest, and tells git what not to keep', async () => {
    tree.write('.gitignore', 'node_modules');
    await init(tree, quietly);
    expect(readJson(tree, 'nx.json')).toMatchObject({ plugins: ['@nx-bpf/plugin'] });
    expect(read('bpf.config.yaml')).toMatchObject({ version: 1, environments: { dev: {}, prod: {} } });
    expect(tree.read('.gitignore', 'utf8')).toBe('node_modules\n.nx-bpf\ndist/bpf\n');
  });

  test('changes nothing the second time, nor what is there already', async () => {
    tree.write('nx.json', JSON.stringify({ plugins: [{ plugin: '@nx-bpf/plugin', options: {} }] }));
    tree.write('bpf.config.yaml', 'version: 1 # ours\n');
    await init(tree, quietly);
    const once = files();
    expect(readJson(tree, 'nx.json').plugins).toHaveLength(1);
    expect(once['bpf.config.yaml']).toBe('version: 1 # ours\n');
    await init(tree, quietly);
    expect(files()).toEqual(once);
  });
});

describe('project', () => {
  test('C, a manifest that attaches it, a test, and a target for it', async () => {
    await project(tree, { ...quietly, name: 'edge-guard', template: 'xdp' });
    expect(Object.keys(files('packages/edge-guard'))).toEqual([
      'packages/edge-guard/bpf.config.yaml',
      'packages/edge-guard/package.json',
      'packages/edge-guard/src/edge-guard.bpf.c',
      'packages/edge-guard/test/edge-guard.test.mjs',
    ]);
    expect(read('packages/edge-guard/bpf.config.yaml')).toEqual({
      version: 1,
      objects: { 'edge-guard': {} },
      programs: {
        edge_guard: { object: 'edge-guard', attach: [{ xdp: { interface: 'lo', mode: 'generic' } }] },
      },
    });
    expect(tree.read('packages/edge-guard/src/edge-guard.bpf.c', 'utf8')).toContain('int edge_guard(');
    expect(readJson(tree, 'packages/edge-guard/package.json')).toMatchObject({
      name: 'edge-guard',
      nx: { targets: { test: { dependsOn: ['bpf-build'] } } },
    });
  });

  test('never writes over a file; run again, it changes nothing', async () => {
    tree.write('packages/probe/src/probe.bpf.c', '/* mine */\n');
    await project(tree, { ...quietly, name: 'probe', template: 'lsm' });
    const once = files();
    expect(once['packages/probe/src/probe.bpf.c']).toBe('/* mine */\n');
    await project(tree, { ...quietly, name: 'probe', template: 'xdp' });
    expect(files()).toEqual(once);
  });

  test.each(['../elsewhere', '/etc'])(
    'a directory outside of the workspace is refused: %s',
    async (directory) => {
      const before = files();
      await expect(project(tree, { ...quietly, name: 'probe', directory })).rejects.toThrow(
        'inside the workspace',
      );
      expect(files()).toEqual(before);
    },
  );

  test.each(['a b', '../x', '-x', ''])("'%s' is no name", async (name) => {
    await expect(project(tree, { ...quietly, name, directory: 'packages/probe' })).rejects.toThrow(
      'letters, digits',
    );
  });
});

describe('program', () => {
  test('is added to the project of its name; what the manifest says stays, with its comments', async () => {
    await project(tree, { ...quietly, name: 'probe', template: 'xdp' });
    tree.write(
      'packages/probe/bpf.config.yaml',
      `# Ours.\n${tree.read('packages/probe/bpf.config.yaml', 'utf8')}maps:\n  # big\n  packets: { maxEntries: 9 }\n`,
    );
    await program(tree, { ...quietly, name: 'count', project: 'probe', type: 'tracepoint' });
    expect(read('packages/probe/bpf.config.yaml')).toMatchObject({
      objects: { probe: {}, count: {} },
      programs: { probe: {}, count: { object: 'count', attach: [{ tracepoint: {} }] } },
    });
    const text = tree.read('packages/probe/bpf.config.yaml', 'utf8');
    expect(text).toMatch(/^# Ours\.\n/);
    expect(text).toContain('  # big\n');
    const once = files();
    await program(tree, { ...quietly, name: 'count', project: 'probe', type: 'xdp' });
    expect(files()).toEqual(once);
  });

  test('a project that is not there: the known ones are named', async () => {
    await project(tree, { ...quietly, name: 'probe' });
    await expect(program(tree, { ...quietly, name: 'x', project: 'prob' })).rejects.toThrow(
      "no project 'prob' has a bpf.config.yaml: there is one in packages/probe",
    );
  });

  test('a manifest that is no YAML is left alone', () => {
    expect(() =>
      addToManifest('a: [', 'bpf.config.yaml', { object: 'x', program: 'x', template: templates.xdp }),
    ).toThrow('bpf.config.yaml cannot be extended');
    expect(() =>
      addToManifest('- a', 'bpf.config.yaml', { object: 'x', program: 'x', template: templates.xdp }),
    ).toThrow('found no map of keys');
  });
});
