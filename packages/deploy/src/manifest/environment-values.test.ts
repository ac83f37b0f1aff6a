import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type BpfError } from '@nx-bpf/loader';
import { loadProject, type LoadOptions } from './load-project';

const made: string[] = [];
afterEach(() => {
  for (const root of made.splice(0)) fs.rmSync(root, { recursive: true });
});

function load(text: string, options: Omit<LoadOptions, 'workspaceRoot'>) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'manifest-'));
  made.push(root);
  fs.mkdirSync(path.join(root, 'a'));
  fs.writeFileSync(path.join(root, 'a', 'bpf.config.yaml'), text);
  return loadProject({ workspaceRoot: root, ...options });
}

const manifest = `version: 1
objects:
  edge:
    constants:
      rate: { env: RATE, default: 10 }
      name: { env: NAME, default: edge }
      peer: { port: { env: PORT, default: 80 }, hosts: [{ env: HOST, default: 10.0.0.1 }] }
maps:
  hits: { maxEntries: { env: ENTRIES, default: 4KiB } }
programs:
  guard:
    attach: [{ id: uplink, xdp: { interface: { env: UPLINK } } }]
environments:
  dev: {}
  fixed: { programs: { guard: { attach: [{ id: uplink, xdp: { interface: veth0 } }] } } }
`;
const set = { RATE: '0x20', NAME: '"007"', PORT: '443', HOST: '10.0.0.2', ENTRIES: '64', UPLINK: 'eth1' };

test('constants, sizes and interfaces come from the variables that the manifest names', () => {
  const config = load(manifest, { environment: 'dev', variables: set });
  expect(config.objects['edge']?.constants).toEqual({
    rate: 32,
    name: '007',
    peer: { port: 443, hosts: ['10.0.0.2'] },
  });
  expect(config.maps['hits']?.maxEntries).toBe(64);
  expect(config.programs['guard']?.attach[0]?.options).toMatchObject({ interface: 'eth1' });
  expect(config.origins['objects.edge.constants.rate']).toMatchObject({ line: 5, variable: 'RATE' });
  expect(config.origins['objects.edge.constants.peer.hosts.0']).toMatchObject({ line: 7, variable: 'HOST' });
});

test('without them there are the defaults; a revision is that of the values', () => {
  const config = load(manifest, { environment: 'fixed', variables: {} });
  expect(config.objects['edge']?.constants).toMatchObject({ rate: 10, name: 'edge' });
  expect(config.maps['hits']?.maxEntries).toBe(4096);
  const same = load(manifest, { environment: 'fixed', variables: { RATE: '10' } });
  expect(same.revision).toBe(config.revision);
  expect(load(manifest, { environment: 'fixed', variables: { RATE: '11' } }).revision).not.toBe(
    config.revision,
  );
});

test('one that is not set and has no default is an error, unless another layer says the value', () => {
  const failure = (variables: Record<string, string>): BpfError => {
    try {
      load(manifest, { environment: 'dev', variables });
    } catch (error) {
      return error as BpfError;
    }
    throw new Error('no error');
  };
  expect(failure({}).message).toContain(
    'a/bpf.config.yaml:12:46: the environment variable UPLINK is not set: set it, or give the value a default',
  );
  expect(failure({ UPLINK: 'eth0', ENTRIES: 'many' }).message).toContain(
    "a/bpf.config.yaml:9:23: maps.hits.maxEntries: found 'many', expected a number from 1, or a size such as 4MiB",
  );
  expect(failure({ UPLINK: 'eth0', RATE: '[1]' }).message).toContain(
    "a/bpf.config.yaml:5:13: the environment variable RATE: found '[1]', expected one value",
  );
});

test('elsewhere nothing is taken from the environment', () => {
  const elsewhere = `version: 1
toolchain: { clang: { env: CLANG } }
pin: { root: { env: ROOT } }
environments: { dev: {} }
`;
  expect(() => load(elsewhere, { environment: 'dev', variables: { CLANG: 'sh', ROOT: '/x' } })).toThrow(
    'toolchain.clang: found a map, expected the name or path of clang',
  );
});
