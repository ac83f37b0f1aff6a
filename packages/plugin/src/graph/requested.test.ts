import { expect, test } from 'vitest';
import { requested } from './requested';

const environments = (...argv: string[]): string[] =>
  requested(argv, ['bpf-build', 'bpf-load', 'bpf-status']).map(({ environment }) => environment);

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

test('targets that nx.json renames are seen under their new names alone', () => {
  const named = (...argv: string[]) => requested(argv, ['compile', 'deploy']);
  expect(named('run', 'agent:deploy:prod')).toEqual([
    { environment: 'prod', words: ['agent'], orAll: false },
  ]);
  expect(named('compile', 'agent', '-c', 'prod')).toHaveLength(1);
  expect(named('run', 'agent:bpf-load:prod')).toEqual([]);
});
