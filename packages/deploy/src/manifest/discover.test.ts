import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findWorkspace, listProjects, resolveProject } from './discover';

let root = '';

beforeAll(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'discover-'));
  const files: Record<string, string> = {
    'bpf.config.yaml':
      'defaultEnvironment: prod\nenvironments: { prod: {} }\nprojects: { tool: { root: tools/t/ }, agent: {} }',
    'packages/agent/bpf.config.yaml': 'environments: { lab: {} }',
    'packages/agent/package.json': '{ "name": "@scope/agent" }',
    'packages/other/bpf.config.yaml': 'name: given\ndefaultEnvironment: lab\npin: { root: /run/bpf/own }',
    'packages/broken/bpf.config.yaml': 'objects: [',
    'packages/broken/project.json': '{ "name": "still-there" }',
    'packages/agent/node_modules/x/bpf.config.yaml': '',
    'dist/x/bpf.config.yaml': '',
    '.hidden/bpf.config.yaml': '',
  };
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    fs.writeFileSync(path.join(root, name), text);
  }
  fs.symlinkSync('packages', path.join(root, 'again'));
});

afterAll(() => fs.rmSync(root, { recursive: true }));

test('projects have a file, or a name in the root file, or both; a broken file still names its project', () => {
  const written = expect.anything();
  const pinRoot = '/sys/fs/bpf/nx-bpf';
  expect(listProjects(root)).toEqual([
    {
      name: 'agent',
      root: 'packages/agent',
      files: ['bpf.config.yaml', 'packages/agent/bpf.config.yaml'],
      environments: ['lab', 'prod'],
      defaultEnvironment: 'prod',
      pinRoot,
      written,
    },
    {
      name: 'still-there',
      root: 'packages/broken',
      files: ['packages/broken/bpf.config.yaml'],
      environments: ['prod'],
      defaultEnvironment: 'prod',
      pinRoot,
      written,
    },
    {
      name: 'given',
      root: 'packages/other',
      files: ['packages/other/bpf.config.yaml'],
      environments: ['prod'],
      defaultEnvironment: 'lab',
      pinRoot: '/run/bpf/own',
      written,
    },
    {
      name: 'tool',
      root: 'tools/t',
      files: ['bpf.config.yaml'],
      environments: ['prod'],
      defaultEnvironment: 'prod',
      pinRoot,
      written,
    },
  ]);
});

test('the project is that of the directory, or the named one', () => {
  const cwd = path.join(root, 'packages/agent/node_modules');
  expect(resolveProject({ cwd })).toEqual({ workspaceRoot: root, project: 'agent' });
  expect(resolveProject({ cwd, project: 'given' }).project).toBe('given');
  expect(() => resolveProject({ cwd, project: 'givne' })).toThrow(
    "no project 'givne' has a manifest; did you mean 'given'?",
  );
  expect(() => resolveProject({ cwd: root })).toThrow(
    'several projects: found agent, still-there, given, tool; name one',
  );
  expect(() => findWorkspace(os.tmpdir())).toThrow(`no bpf.config.yaml in ${os.tmpdir()} or above it`);
});

test('two projects of one name', () => {
  fs.mkdirSync(path.join(root, 'packages/twin'));
  fs.writeFileSync(path.join(root, 'packages/twin/bpf.config.yaml'), 'name: given');
  expect(listProjects(root).map(({ name }) => name)).toEqual([
    'agent',
    'still-there',
    'given',
    'given',
    'tool',
  ]);
  expect(() => resolveProject({ cwd: root, project: 'given' })).toThrow(
    "2 projects are named 'given': found packages/other, packages/twin; give one another name: with 'name' in its bpf.config.yaml",
  );
  fs.rmSync(path.join(root, 'packages/twin'), { recursive: true });
});
