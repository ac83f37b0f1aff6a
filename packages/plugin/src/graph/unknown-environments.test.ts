import { expect, test } from 'vitest';
import { unknownEnvironments } from './pre-tasks-execution';
import { requested } from './requested';
import { targetNames } from './target-names';

const agent = {
  name: 'agent',
  root: 'packages/agent',
  files: ['packages/agent/bpf.config.yaml'],
  environments: ['dev', 'prod'],
  defaultEnvironment: 'dev',
  pinRoot: '/sys/fs/bpf/nx-bpf',
  written: {
    sources: [],
    includes: [],
    types: [],
    data: [],
    pins: [],
    kernels: { files: [], packaged: false, running: false },
    packets: [],
    variables: [],
    locked: false,
  },
};
const probe = {
  ...agent,
  name: 'probe',
  root: 'probe',
  files: ['probe/bpf.config.yaml'],
  environments: ['dev'],
};
const check = (...argv: string[]): string[] =>
  unknownEnvironments(requested(argv, targetNames), [agent, probe]);

test('a mistyped environment is refused, and the answer names those there are', () => {
  expect(check('run', 'agent:bpf-load:prdo')).toEqual([
    "agent has no environment 'prdo': its environments are dev, prod",
  ]);
  expect(check('run', '@acme/agent:bpf-load:prdo')).toHaveLength(1);
  expect(check('run', 'agent:bpf-load:prod')).toEqual([]);
});

test('a run of many projects needs the environment in each of them', () => {
  expect(check('run-many', '-t', 'bpf-load', '-c', 'prod').join()).toMatch(
    /^probe has no environment 'prod'/,
  );
  expect(check('run-many', '-t', 'bpf-load', '-p', 'agent', '-c', 'prod')).toEqual([]);
  expect(check('run-many', '-t', 'bpf-load', '-c', 'dev')).toEqual([]);
});

test("another project's target of the same name is none of ours", () => {
  expect(check('run', 'web:bpf-build:production')).toEqual([]);
});
