import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadProject } from './load-project';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'manifest-kernels-'));
  fs.mkdirSync(path.join(root, 'agent'));
  write('agent/bpf.config.yaml', 'version: 1\n');
});
afterEach(() => {
  fs.rmSync(root, { recursive: true });
});

function write(file: string, text: string): void {
  fs.writeFileSync(path.join(root, file), text);
}

const load = (environment?: string) => loadProject({ workspaceRoot: root, project: 'agent', environment });

test('kernels are a Debian package or a file, required unless it is said otherwise; a project adds to those of the root', () => {
  write(
    'bpf.config.yaml',
    "version: 1\nkernels:\n  debian-12: { btf: { package: 'linux-image-6.1.*-cloud-amd64-unsigned' } }\n  old: { btf: btf/old.btf, config: btf/old.config, image: btf/bzImage, modules: btf/modules, required: false }\n",
  );
  write(
    'agent/bpf.config.yaml',
    'version: 1\nkernels:\n  own: { btf: btf/own.btf }\n  here: { btf: kernel }\n',
  );
  expect(load().kernels).toEqual({
    'debian-12': {
      btf: { package: 'linux-image-6.1.*-cloud-amd64-unsigned' },
      image: undefined,
      modules: undefined,
      config: undefined,
      required: true,
    },
    old: {
      btf: { file: path.join(root, 'btf/old.btf') },
      image: { file: path.join(root, 'btf/bzImage') },
      modules: path.join(root, 'btf/modules'),
      config: path.join(root, 'btf/old.config'),
      required: false,
    },
    here: { btf: { running: true }, image: undefined, modules: undefined, config: undefined, required: true },
    own: {
      btf: { file: path.join(root, 'agent/btf/own.btf') },
      image: undefined,
      modules: undefined,
      config: undefined,
      required: true,
    },
  });
});

test('an environment takes a kernel away, or another package for it; what is deployed stays the same', () => {
  write(
    'bpf.config.yaml',
    "version: 1\nkernels:\n  a: { btf: a.btf }\n  b: { btf: { package: linux-image-6.1.0-1-amd64 } }\nenvironments:\n  dev: {}\n  edge: { kernels: { a: null, b: { btf: { package: 'linux-image-6.12.*-amd64' } } } }\n",
  );
  expect(Object.keys(load('dev').kernels)).toEqual(['a', 'b']);
  expect(load('edge').kernels).toMatchObject({ b: { btf: { package: 'linux-image-6.12.*-amd64' } } });
  expect(Object.keys(load('edge').kernels)).toEqual(['b']);
  const before = load('dev').revision;
  write('bpf.config.yaml', 'version: 1\nenvironments: { dev: {}, edge: {} }\n');
  expect(load('dev').revision).toBe(before);
});

test('what is wrong with a kernel is said at its place, all of it at once', () => {
  write(
    'bpf.config.yaml',
    'version: 1\nkernels:\n  a: {}\n  b: { btf: { package: nginx } }\n  c: { btf: ../outside }\n  d: { btf: d, requierd: true }\n  e: { btf: e, modules: m }\n',
  );
  expect(() => load()).toThrow(/3:6: kernels\.a: btf is missing: a file, or \{ package/);
  expect(() => load()).toThrow(/4:\d+: .*kernels\.b\.btf/);
  expect(() => load()).toThrow(/5:\d+: kernels\.c\.btf: '\.\.\/outside' is outside the workspace/);
  expect(() => load()).toThrow(/6:\d+: unknown key 'requierd' in kernels\.d; did you mean 'required'\?/);
  expect(() => load()).toThrow(/7:\d+: kernels\.e\.modules: modules are those of an image that is a file/);
});
