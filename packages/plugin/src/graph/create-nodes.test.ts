import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ProjectConfiguration } from '@nx/devkit';
import { createNodes } from './create-nodes';
import { type PluginOptions } from './plugin-options';
import { targetNames } from './target-names';

let workspaceRoot: string;
beforeEach(() => {
  workspaceRoot = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-graph-'));
});
afterEach(() => {
  fs.rmSync(workspaceRoot, { recursive: true });
});

function write(file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(workspaceRoot, file)), { recursive: true });
  fs.writeFileSync(path.join(workspaceRoot, file), text);
}

/** What Nx does: hands over the manifests it knows, and gets a project by its directory. */
function infer(...files: string[]): Promise<Record<string, Partial<ProjectConfiguration>>> {
  return inferWith(undefined, ...files);
}

async function inferWith(
  options: PluginOptions | undefined,
  ...files: string[]
): Promise<Record<string, Partial<ProjectConfiguration>>> {
  const context = { workspaceRoot, nxJsonConfiguration: {} };
  const results = await createNodes[1](files, options, context);
  return Object.assign({}, ...results.map(([, { projects }]) => projects)) as Record<
    string,
    ProjectConfiguration
  >;
}

test('a project with a manifest gets its targets, with a configuration for each environment and no default one', async () => {
  write('bpf.config.yaml', 'version: 1\ndefaultEnvironment: dev\nenvironments: { dev: {}, prod: {} }\n');
  write('packages/agent/bpf.config.yaml', 'version: 1\nenvironments: { edge: {} }\n');
  const { targets } = (await infer('bpf.config.yaml', 'packages/agent/bpf.config.yaml'))['packages/agent']!;

  expect(Object.keys(targets!)).toEqual([
    'bpf-build',
    'bpf-bundle',
    'bpf-load',
    'bpf-plan',
    'bpf-report',
    'bpf-rollback',
    'bpf-status',
    'bpf-types',
    'bpf-unload',
    'bpf-verify',
  ]);
  for (const target of Object.values(targets!)) {
    expect(target.configurations).toEqual({
      dev: { environment: 'dev' },
      edge: { environment: 'edge' },
      prod: { environment: 'prod' },
    });
    expect(target.defaultConfiguration).toBeUndefined();
    expect(target.metadata?.description).toBeTruthy();
  }
});

test('objects may come from the cache, what touches the kernel never does and runs alone', async () => {
  write('agent/bpf.config.yaml', 'version: 1\n');
  const { targets } = (await infer('agent/bpf.config.yaml'))['agent']!;

  expect(targets!['bpf-build']).toMatchObject({
    cache: true,
    outputs: ['{projectRoot}/dist/bpf/{options.environment}'],
    options: { environment: 'dev' },
  });
  expect(targets!['bpf-build']!.inputs).toContain('{workspaceRoot}/bpf.config.yaml');
  expect(targets!['bpf-verify']).toMatchObject({
    cache: true,
    outputs: ['{projectRoot}/dist/bpf/{options.environment}/verify.json'],
    dependsOn: ['bpf-build'],
  });
  expect(targets!['bpf-load']).toMatchObject({ dependsOn: ['bpf-build'] });
  for (const name of ['bpf-load', 'bpf-plan', 'bpf-rollback', 'bpf-status', 'bpf-unload']) {
    expect(targets![name]).toMatchObject({ cache: false, parallelism: false });
  }
});

test('a project that only the root manifest names gets them too', async () => {
  write('bpf.config.yaml', 'version: 1\nprojects:\n  probe: { root: tools/probe }\n');
  const projects = await infer('bpf.config.yaml');
  expect(Object.keys(projects)).toEqual(['tools/probe']);
  expect(projects['tools/probe']!.name).toBe('probe');
});

test('a manifest that Nx does not list, since git ignores it, makes no project', async () => {
  write('agent/bpf.config.yaml', 'version: 1\n');
  write('scratch/bpf.config.yaml', 'version: 1\n');
  expect(Object.keys(await infer('agent/bpf.config.yaml'))).toEqual(['agent']);
});

test('a manifest that is not even YAML still gives its targets: running one shows what is wrong', async () => {
  write('agent/bpf.config.yaml', 'version: 1\n  objects: [\n');
  expect(Object.keys((await infer('agent/bpf.config.yaml'))['agent']!.targets!)).toHaveLength(
    targetNames.length,
  );
});

test('options of nx.json rename targets, and what depends on them', async () => {
  write('agent/bpf.config.yaml', 'version: 1\n');
  const options = { buildTargetName: 'compile', loadTargetName: 'deploy' };
  const { targets } = (await inferWith(options, 'agent/bpf.config.yaml'))['agent']!;
  expect(Object.keys(targets!)).toEqual([
    'compile',
    'bpf-bundle',
    'deploy',
    'bpf-plan',
    'bpf-report',
    'bpf-rollback',
    'bpf-status',
    'bpf-types',
    'bpf-unload',
    'bpf-verify',
  ]);
  expect(targets!['deploy']).toMatchObject({
    executor: '@nx-bpf/plugin:load',
    dependsOn: ['compile'],
    metadata: { help: { command: 'npx nx run agent:deploy --help' } },
  });
});

test('an option that there is not, or a name that is none, is refused', async () => {
  await expect(inferWith({ loadTarget: 'x' } as PluginOptions)).rejects.toThrow(
    "no option 'loadTarget': known are buildTargetName, bundleTargetName, loadTargetName",
  );
  await expect(inferWith({ loadTargetName: 'a b' })).rejects.toThrow("found 'a b', expected a target's name");
});
