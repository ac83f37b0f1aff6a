import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { listProjects, scanIncludes } from '@nx-bpf/deploy/projects';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDependencies } from './create-dependencies';
import { buildInputs, verifyInputs } from './inputs';

let root = '';
beforeAll(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-inputs-'));
  const files: Record<string, string> = {
    'bpf.config.yaml': 'version: 1\ntoolchain: { cflags: [-Ishared] }\n',
    'shared/all.h': '#pragma once\n',
    'agent/bpf.config.yaml':
      'version: 1\nobjects: { edge: { includes: [../lib/include] }, late: {} }\n' +
      'environments: { prod: { toolchain: { vmlinux: types/prod.btf }, objects: { edge: { source: src/other.c } } } }\n',
    'agent/src/edge.bpf.c':
      '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n  #  include "near.h"\n#include <lib.h>\n#include NAME\n',
    'agent/src/near.h': '#include "../../outside.h"\n#include "../../../../etc/passwd"\n',
    'agent/src/other.c': '#include <all.h>\n// #include "unused.h"\n',
    'agent/src/unused.h': '',
    'lib/include/lib.h': '#ifdef NEVER\n#include "deep.h"\n#endif\n',
    'lib/include/deep.h': '#include <lib.h>\n#include <core.h>\n',
    'lib/include/unrelated.h': '',
    'core/core.h': '',
    'open/bpf.config.yaml': 'version: 1\nobjects: { open: { constants: { port: { env: PORT } } } }\n',
    'locked/bpf.config.yaml':
      'version: 1\nobjects: { late: { constants: { port: { env: PORT, default: 80 }, other: 1 } } }\n' +
      'maps: { hits: { maxEntries: { env: SIZE } } }\n' +
      'environments: { prod: { deploy: { requireLock: true }, objects: { late: { constants: { x: { a: { env: DEEP } } } } } } }\n',
    'outside.h': '',
    'user/bpf.config.yaml':
      'version: 1\nmaps: { hits: { contents: { file: data/hits.yaml } }, ports: { pin: { path: /sys/fs/bpf/nx-bpf/locked/prod/maps/ports } } }\n' +
      'objects: { user: { includes: [../lib/include, ../core] } }\n',
    'user/src/user.bpf.c': '#include <deep.h>\n',
  };
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
});
afterAll(() => fs.rmSync(root, { recursive: true }));

const project = (name: string) => listProjects(root).find((each) => each.name === name)!;
const files = (name: string, plugin = '/elsewhere/plugin'): unknown[] =>
  buildInputs(project(name), root, plugin).filter((input) => typeof input === 'string');

test('includes are followed through headers, in the directories that the manifests name, and not out of the workspace', () => {
  expect(scanIncludes(root, project('agent'))).toEqual([
    { from: 'agent/src/edge.bpf.c', to: 'agent/src/near.h' },
    { from: 'agent/src/edge.bpf.c', to: 'lib/include/lib.h' },
    { from: 'agent/src/near.h', to: 'outside.h' },
    { from: 'agent/src/other.c', to: 'shared/all.h' },
    { from: 'lib/include/deep.h', to: 'lib/include/lib.h' },
    { from: 'lib/include/lib.h', to: 'lib/include/deep.h' },
  ]);
});

test('the inputs of a build are the manifests, the C of every environment, and what it includes', () => {
  expect(files('agent')).toEqual(
    [
      ...['agent/bpf.config.yaml', 'agent/src/edge.bpf.c', 'agent/src/late.bpf.c', 'agent/src/near.h'],
      ...['agent/src/other.c', 'agent/types/prod.btf', 'bpf.config.yaml', 'bpf.lock.json'],
      ...['lib/include/deep.h', 'lib/include/lib.h', 'outside.h', 'shared/all.h'],
    ].map((file) => `{workspaceRoot}/${file}`),
  );
});

test('data files decide what is deployed, not what is built', () => {
  expect(project('user').written.data).toEqual(['user/data/hits.yaml']);
  expect(files('user')).not.toContain('{workspaceRoot}/user/data/hits.yaml');
});

test('a variable is an input where it counts: of a build that is locked, and of what the verifier sees', () => {
  expect(project('locked').written).toMatchObject({ variables: ['DEEP', 'PORT', 'SIZE'], locked: true });
  expect(project('open').written).toMatchObject({ variables: ['PORT'], locked: false });
  const variables = (inputs: ReturnType<typeof buildInputs>): unknown[] =>
    inputs.filter((input) => typeof input === 'object' && 'env' in input);
  const all = [{ env: 'DEEP' }, { env: 'PORT' }, { env: 'SIZE' }];
  expect(variables(buildInputs(project('locked'), root))).toEqual(all);
  expect(variables(verifyInputs(project('locked'), root))).toEqual(all);
  expect(variables(buildInputs(project('open'), root))).toEqual([]);
  expect(variables(verifyInputs(project('open'), root))).toEqual([{ env: 'PORT' }]);
});

test('with a lock file every variable is an input of a build: the command line may say --frozen', () => {
  const lock = path.join(root, 'bpf.lock.json');
  const port = { env: 'PORT' };
  expect(buildInputs(project('open'), root)).not.toContainEqual(port);
  fs.writeFileSync(lock, '{ "version": 1, "projects": {} }');
  try {
    expect(buildInputs(project('open'), root)).toContainEqual(port);
    expect(
      verifyInputs(project('open'), root).filter((input) => JSON.stringify(input) === '{"env":"PORT"}'),
    ).toEqual([port]);
  } finally {
    fs.rmSync(lock);
  }
});

test('the kernel is an input where vmlinux.h is made from its types', () => {
  const runtimes = (name: string) =>
    buildInputs(project(name), root).flatMap((input) =>
      typeof input === 'object' && 'runtime' in input ? [input.runtime] : [],
    );
  expect(runtimes('user')).toContainEqual(expect.stringContaining('/sys/kernel/notes'));
  expect(runtimes('agent')).not.toContainEqual(expect.stringContaining('/sys/kernel/notes'));
});

test('the kernels that programs are verified for are inputs of that: files, what apt knows, and the running kernel', () => {
  const added = (name: string) => {
    const build = buildInputs(project(name), root);
    return verifyInputs(project(name), root).slice(build.length);
  };
  // Where vmlinux.h is made from the running kernel, it is among them already.
  // What maps have in them is there when programs are run.
  const contents = '{workspaceRoot}/user/data/hits.yaml';
  expect(added('user')).toEqual(['{projectRoot}/bpf.verified.json', contents]);
  const running = { runtime: expect.stringContaining('/sys/kernel/notes') as string };
  expect(added('agent')).toEqual(['{projectRoot}/bpf.verified.json', running]);
  const manifest = path.join(root, 'agent/bpf.config.yaml');
  const before = fs.readFileSync(manifest, 'utf8');
  fs.appendFileSync(
    manifest,
    "kernels: { a: { btf: btf/a.btf, image: btf/a.bzImage, modules: btf/modules, config: btf/a.config }, b: { btf: { package: 'linux-image-6.1.*-amd64' } }, c: { btf: kernel } }\nrun: [{ program: a, input: { packet: { file: frame.bin } } }]\n",
  );
  expect(added('agent')).toEqual([
    '{projectRoot}/bpf.verified.json',
    '{workspaceRoot}/agent/btf/a.btf',
    '{workspaceRoot}/agent/btf/a.bzImage',
    '{workspaceRoot}/agent/btf/a.config',
    '{workspaceRoot}/agent/btf/modules/**/*',
    '{workspaceRoot}/agent/frame.bin',
    { runtime: expect.stringContaining('apt-cache pkgnames linux-image-') as string },
    // Without privileges the running kernel is not tried at level vm.
    { runtime: expect.stringContaining('CapEff') as string },
    running,
  ]);
  fs.writeFileSync(manifest, before);
});

test('a project depends on those whose headers it includes or whose map it uses, for the file that does', () => {
  const roots = { agent: 'agent', lib: 'lib', core: 'core', locked: 'locked', user: 'user' };
  const context = {
    workspaceRoot: root,
    projects: Object.fromEntries(
      Object.entries(roots).map(([name, directory]) => [name, { root: directory }]),
    ),
    fileMap: {
      projectFileMap: {
        agent: [{ file: 'agent/src/edge.bpf.c', hash: '' }],
        lib: [],
        user: [{ file: 'user/bpf.config.yaml', hash: '' }],
      },
      nonProjectFiles: [],
    },
    externalNodes: {},
    nxJsonConfiguration: {},
    filesToProcess: { projectFileMap: {}, nonProjectFiles: [] },
  };
  expect(createDependencies(undefined, context)).toEqual([
    { source: 'agent', target: 'lib', sourceFile: 'agent/src/edge.bpf.c', type: 'static' },
    { source: 'lib', target: 'core', type: 'implicit' },
    { source: 'user', target: 'lib', type: 'implicit' },
    { source: 'user', target: 'locked', sourceFile: 'user/bpf.config.yaml', type: 'static' },
  ]);
});

test('in a workspace that holds the source of the plugin, that source is an input; an installed one Nx counts itself', () => {
  const inputs = files('user', path.join(root, 'packages/plugin'));
  expect(inputs).toContain('{workspaceRoot}/packages/loader/src/**/*');
  expect(inputs).toContain('{workspaceRoot}/packages/deploy/src/**/*');
  expect(inputs).toContain('{workspaceRoot}/packages/plugin/src/**/*');
  expect(files('user', path.join(root, 'node_modules/@nx-bpf/plugin'))).toEqual(files('user'));
});
