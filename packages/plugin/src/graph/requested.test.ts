import { expect, test } from 'vitest';
import { requested } from './requested';

const environments = (...argv: string[]): string[] => requested(argv).map(({ environment }) => environment);

test('every form of an Nx command line that names a configuration of a BPF target is seen', () => {
  expect(environments('node', 'nx', 'run', 'agent:bpf-load:prod')).toEqual(['prod']);
  expect(environments('run', '@acme/agent:bpf-status:prod')).toEqual(['prod']);
  expect(environments('bpf-load', 'agent', '-c', 'prod')).toEqual(['prod']);
  expect(environments('bpf-load', 'agent', '-c=prod')).toEqual(['prod']);
  expect(environments('run-many', '-t', 'build,bpf-build', '--configuration=prod')).toEqual(['prod']);
  expect(environments('run-many', '--targets=bpf-build', '--configuration', 'prod')).toEqual(['prod']);
  expect(environments('run', 'agent:bpf-load', '-c', 'prod')).toEqual(['prod']);
});

test('other targets and runs without a configuration are none of our business', () => {
  expect(environments('run', 'agent:bpf-load')).toEqual([]);
  expect(environments('run', 'web:build:production')).toEqual([]);
  expect(environments('run-many', '-t', 'build', '-c', 'production')).toEqual([]);
  expect(environments('run', 'agent:bpf-load', '--set', 'a=b')).toEqual([]);
  expect(environments('run', 'agent:bpf-load', '-c')).toEqual([]);
});
