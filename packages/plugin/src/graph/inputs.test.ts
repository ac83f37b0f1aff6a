import { expect, test } from 'vitest';
import { buildInputs } from './inputs';

test('in a workspace that holds the source of the plugin, that source is an input', () => {
  const inputs = buildInputs('/ws', '/ws/packages/plugin');
  expect(inputs).toContain('{workspaceRoot}/packages/loader/src/**/*');
  expect(inputs).toContain('{workspaceRoot}/packages/deploy/src/**/*');
  expect(inputs).toContain('{workspaceRoot}/packages/plugin/src/**/*');
});

test('an installed plugin adds no files: Nx counts packages by itself', () => {
  const installed = buildInputs('/ws', '/ws/node_modules/@nx-bpf/plugin');
  expect(installed).toEqual(buildInputs('/ws', '/elsewhere/node_modules/@nx-bpf/plugin'));
  expect(installed.filter((input) => typeof input === 'string')).toEqual([
    'default',
    '^default',
    '{workspaceRoot}/bpf.config.yaml',
  ]);
});
