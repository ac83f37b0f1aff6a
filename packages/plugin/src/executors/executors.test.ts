import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ExecutorContext } from '@nx/devkit';
import build from './build/build';
import types from './types/types';

let workspace: string;
beforeEach(() => {
  workspace = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-executor-'));
  write('agent/package.json', '{ "name": "@acme/agent" }');
  write(
    'agent/src/probe.bpf.c',
    '__attribute__((section("xdp"), used)) int probe(void *context) { return 2; }\n',
  );
});
afterEach(() => {
  fs.rmSync(workspace, { recursive: true });
});

function write(file: string, text: string): void {
  fs.mkdirSync(path.dirname(path.join(workspace, file)), { recursive: true });
  fs.writeFileSync(path.join(workspace, file), text);
}

/** What Nx hands to an executor of the project, which it knows by the name in package.json. */
function context(): ExecutorContext {
  return {
    root: workspace,
    cwd: '/',
    isVerbose: false,
    projectName: '@acme/agent',
    projectsConfigurations: { version: 2, projects: { '@acme/agent': { root: 'agent' } } },
    nxJsonConfiguration: {},
    projectGraph: { nodes: {}, dependencies: {} },
  };
}

test('build compiles the objects of the manifest in the directory of the project, whatever Nx calls it', async () => {
  write('agent/bpf.config.yaml', 'version: 1\nobjects: { probe: { source: src/probe.bpf.c } }\n');
  expect(await build({}, context())).toEqual({ success: true });
  expect(fs.readdirSync(path.join(workspace, 'agent/dist/bpf/dev'))).toContain('probe.bpf.o');
});

test('what goes wrong is told by deploy; Nx only hears that the task failed', async () => {
  write('agent/bpf.config.yaml', 'version: 1\nobjects: { probe: { sauce: src/probe.bpf.c } }\n');
  expect(await build({}, context())).toEqual({ success: false });
});

test('the environment and the overrides of the command line reach the manifest', async () => {
  write('agent/bpf.config.yaml', 'version: 1\nobjects: { probe: { source: src/missing.bpf.c } }\n');
  expect(await build({}, context())).toEqual({ success: false });
  expect(await build({ set: ['objects.probe.source=src/probe.bpf.c'] }, context())).toEqual({
    success: true,
  });
  expect(await build({ environment: 'prod' }, context())).toEqual({ success: false });
});

test('types go to a file of the project', async () => {
  write('agent/bpf.config.yaml', 'version: 1\nobjects: { probe: { source: src/probe.bpf.c } }\n');
  expect(await types({ output: 'src/generated.ts' }, context())).toEqual({ success: true });
  expect(fs.readFileSync(path.join(workspace, 'agent/src/generated.ts'), 'utf8')).toContain(
    'export class Agent extends TypedObject<AgentTypes>',
  );
});
