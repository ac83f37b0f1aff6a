import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RememberedManifests } from './remembered-manifest';

const memory = path.join('.nx-bpf', 'cache', 'manifest', 'manifests');
let workspace: string;
beforeEach(() => {
  workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-remembered-'));
  write('bpf.config.yaml', 'version: 1\nenvironments: { dev: {}, prod: {} }\n');
  write('agent/package.json', '{ "name": "agent" }');
  write('agent/bpf.config.yaml', manifest(1));
  // Made by the first use, which changes the workspace's directory: the second one remembers.
  fs.mkdirSync(path.join(workspace, path.dirname(memory)), { recursive: true, mode: 0o700 });
  settle();
});
afterEach(() => {
  fs.rmSync(workspace, { recursive: true });
  delete process.env['NX_BPF_TEST_RATE'];
});

function write(file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(workspace, file)), { recursive: true });
  fs.writeFileSync(path.join(workspace, file), text);
}

function manifest(rate: number | string): string {
  return `version: 1\nobjects: { edge: { source: src/edge.bpf.c, constants: { rate: ${rate} } } }\n`;
}

/** What was written just now is not remembered. */
function settle(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 130);
}

const manifests = (build: string | undefined = 'one'): RememberedManifests =>
  new RememberedManifests(workspace, build);
const rate = (environment = 'dev', build?: string): unknown =>
  manifests(build).load({ project: 'agent', environment }).objects['edge']?.constants['rate'];
const stored = (): fs.BigIntStats | undefined =>
  fs.statSync(path.join(workspace, memory), { bigint: true, throwIfNoEntry: false });

/** Whether an answer came from memory: nothing was written. */
function recalled(ask: () => unknown): boolean {
  const before = stored();
  ask();
  return before !== undefined && before.ino === stored()?.ino;
}

test('what was read once is recalled, with all that it holds, and for each environment', () => {
  write('agent/bpf.config.yaml', manifest('18446744073709551615'));
  settle();
  expect(rate()).toBe(18446744073709551615n);
  expect(recalled(() => expect(rate()).toBe(18446744073709551615n))).toBe(true);
  expect(recalled(() => rate('prod'))).toBe(false);
  expect(recalled(() => rate())).toBe(true);
  expect(recalled(() => rate('prod'))).toBe(true);
  const { load } = RememberedManifests.prototype;
  expect(load.call(manifests(), { project: 'agent' })).toEqual(
    load.call(manifests('two'), { project: 'agent' }),
  );
});

test('a change of a manifest counts at once, also one of its root file', () => {
  rate();
  write('agent/bpf.config.yaml', manifest(2));
  expect(rate()).toBe(2);
  settle();
  expect(rate()).toBe(2);
  write('bpf.config.yaml', 'version: 1\ntoolchain: { mcpu: v9 }\n');
  expect(() => rate()).toThrow('mcpu');
});

test('what was written a moment ago is read again: it may be written once more', () => {
  write('agent/bpf.config.yaml', manifest(2));
  rate();
  expect(stored()).toBe(undefined);
});

test('a project that came, went or has another name is seen', () => {
  const names = (): string[] =>
    manifests()
      .projects()
      .map(({ name }) => name);
  expect(names()).toEqual(['agent']);
  expect(recalled(names)).toBe(true);
  write('deep/er/bpf.config.yaml', 'version: 1\n');
  expect(names()).toEqual(['agent', 'er']);
  settle();
  names();
  write('agent/package.json', '{ "name": "guard" }');
  expect(names()).toEqual(['guard', 'er']);
  settle();
  names();
  write('agent/project.json', '{ "name": "last" }');
  expect(names()).toEqual(['last', 'er']);
  fs.rmSync(path.join(workspace, 'deep'), { recursive: true });
  expect(names()).toEqual(['last']);
});

test('a variable that a value comes from is looked at', () => {
  write('agent/bpf.config.yaml', manifest('{ env: NX_BPF_TEST_RATE, default: 7 }'));
  settle();
  expect(rate()).toBe(7);
  expect(recalled(() => rate())).toBe(true);
  process.env['NX_BPF_TEST_RATE'] = '8';
  expect(rate()).toBe(8);
});

test('another build checks again, a checkout remembers nothing, and --set is not remembered', () => {
  expect(new RememberedManifests(workspace, undefined).projects()).toHaveLength(1);
  expect(stored()).toBe(undefined);
  rate();
  expect(recalled(() => rate('dev', 'two'))).toBe(false);
  const set = ['objects.edge.constants.rate=5'];
  expect(manifests().load({ project: 'agent', set }).objects['edge']?.constants['rate']).toBe(5);
  expect(rate()).toBe(1);
});

test('a folder that others can write, and a damaged memory, are not believed', () => {
  rate();
  const folder = path.dirname(path.join(workspace, memory));
  fs.chmodSync(folder, 0o777);
  expect(recalled(() => expect(rate()).toBe(1))).toBe(true);
  const poisoned = fs.readFileSync(path.join(workspace, memory), 'latin1').replaceAll('edge', 'evil');
  fs.writeFileSync(path.join(workspace, memory), poisoned, 'latin1');
  expect(rate()).toBe(1);
  fs.chmodSync(folder, 0o700);
  fs.writeFileSync(path.join(workspace, memory), 'nothing');
  expect(rate()).toBe(1);
  expect(recalled(() => rate())).toBe(true);
});

test('a copy of a workspace is read anew', () => {
  rate();
  const copy = `${workspace}-copy`;
  fs.cpSync(workspace, copy, { recursive: true, preserveTimestamps: true });
  try {
    const config = new RememberedManifests(copy, 'one').load({ project: 'agent', environment: 'dev' });
    expect(config.projectRoot).toBe(path.join(copy, 'agent'));
  } finally {
    fs.rmSync(copy, { recursive: true });
  }
});

test('what is wrong with a manifest is said each time', () => {
  write('agent/bpf.config.yaml', 'version: 1\nobject: {}\n');
  settle();
  expect(() => rate()).toThrow('object');
  expect(() => rate()).toThrow('object');
});
