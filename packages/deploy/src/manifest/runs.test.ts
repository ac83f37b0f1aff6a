import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type BpfError } from '@nx-bpf/loader/errors';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listProjects } from './discover';
import { loadProject } from './load-project';

let root: string;
beforeEach(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-runs-'));
  fs.mkdirSync(path.join(root, 'agent'));
  fs.writeFileSync(path.join(root, 'bpf.config.yaml'), 'version: 1\n');
});
afterEach(() => fs.rmSync(root, { recursive: true }));

function load(run: string, environment?: string, set: string[] = []) {
  fs.writeFileSync(
    path.join(root, 'agent/bpf.config.yaml'),
    `version: 1\nobjects: { edge: {} }\nprograms: { guard: {} }\n${run}`,
  );
  return loadProject({ workspaceRoot: root, project: 'agent', environment, set });
}

function problems(run: string): readonly string[] {
  try {
    load(run);
  } catch (error) {
    return (error as BpfError).fields.problems ?? [];
  }
  return [];
}

const checks = `run:
  - { name: drop, program: guard, input: { packet: { ipv4: { source: 192.0.2.9 } } }, expect: { return: XDP_DROP } }
  - { program: guard, input: { packet: { file: frame.bin } }, expect: { output: '00 FF' } }
`;

test('checks merge by name, those without one by their place; null removes; --set reaches them', () => {
  const rest = `environments:
  dev: {}
  prod: { run: [{ name: drop, repeat: 5, input: { packet: { udp: {} } }, expect: { return: 2 } }] }
  none: { run: [{ name: drop, program: null, expect: null }] }
  quiet: { run: [] }
`;
  const dev = load(checks + rest, 'dev');
  expect(dev.runs).toEqual([
    {
      name: 'check-2',
      program: 'guard',
      packet: { file: path.join(root, 'agent/frame.bin') },
      context: undefined,
      repeat: 1,
      maps: {},
      expect: { return: undefined, output: { hex: '00ff' }, maps: {}, variables: {} },
    },
    expect.objectContaining({
      name: 'drop',
      packet: { headers: { ipv4: { source: '192.0.2.9' } } },
      expect: { return: 'XDP_DROP', output: undefined, maps: {}, variables: {} },
    }),
  ]);
  const [, prod] = load(checks + rest, 'prod').runs;
  expect(prod).toMatchObject({
    repeat: 5,
    packet: { headers: { ipv4: { source: '192.0.2.9' }, udp: {} } },
    expect: { return: 2 },
  });
  expect(load(checks + rest, 'quiet').runs).toEqual([]);
  expect(() => load(checks + rest, 'none')).toThrow('run.drop: program is missing');
  expect(load(checks + rest, 'dev', ['run.drop.expect.return=7']).runs[1]!.expect.return).toBe(7);
  // What it is verified by makes no other deployment of it.
  expect(load(rest, 'dev').revision).toBe(dev.revision);
});

test('what is wrong is told with its place', () => {
  expect(
    problems(`run:
  - { name: a, program: gaurd, expect: { return: 1 } }
  - { name: b, program: guard }
  - { name: c, program: guard, input: { packet: { ipv4: {}, ipv6: {}, tcp: { flags: [sin] } } }, expect: { return: 1 } }
  - { name: d, program: guard, input: { packet: { udp: {}, file: x.bin } }, expect: { return: 1 } }
  - { name: e, program: guard, input: { packet: { udp: {} } }, expect: { return: 1 } }
`),
  ).toEqual([
    expect.stringMatching(/:5:25: run.a.program: no program is named 'gaurd'; did you mean 'guard'\?$/),
    expect.stringMatching(/:6:.*run.b: it expects nothing/),
    expect.stringMatching(/:7:.*found ipv4 and ipv6/),
    expect.stringMatching(/:7:.*flags: found 'sin', expected of fin, syn/),
    expect.stringMatching(/:8:.*found file and udp/),
    expect.stringMatching(/:9:.*run.e.input.packet.udp: it needs ipv4 or ipv6/),
  ]);
  const [name, address, key] = problems(`run:
  - { name: a, program: guard, expect: { return: 1.5 } }
  - { name: b, program: guard, input: { packet: { ipv4: { source: 300.1.1.1 } } }, expect: { return: 1 } }
  - { name: c, program: guard, expects: { return: 1 } }
`);
  expect(name).toContain('expected a number, or a name such as XDP_DROP');
  expect(address).toMatch(/300.1.1.1/);
  expect(key).toContain("did you mean 'expect'?");
});

test('files of packets are named for those who must know what a verification depends on', () => {
  load(checks);
  expect(listProjects(root)[0]!.written.packets).toEqual(['agent/frame.bin']);
});
