import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type BpfError } from '@nx-bpf/loader';
import { loadProject } from './load-project';

const made: string[] = [];
afterEach(() => {
  for (const root of made.splice(0)) fs.rmSync(root, { recursive: true });
});

function load(own: string, root = 'version: 1\n') {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'manifest-'));
  made.push(directory);
  fs.mkdirSync(path.join(directory, 'a'));
  fs.writeFileSync(path.join(directory, 'bpf.config.yaml'), root);
  fs.writeFileSync(path.join(directory, 'a', 'bpf.config.yaml'), own);
  return loadProject({ workspaceRoot: directory, project: 'a', environment: 'dev' });
}

function problemsOf(own: string, root?: string): readonly string[] | undefined {
  try {
    load(own, root);
  } catch (error) {
    return (error as BpfError).fields.problems;
  }
  throw new Error('no error');
}

test('migration, protection and contents of maps, and what is carried over', () => {
  const config = load(`version: 1
environments: { dev: {} }
objects: { edge: { carry: { drops: { merge: sum }, config: {} } }, other: { carry: [seen, at] } }
maps:
  kept: {}
  empty: { migrate: recreate, protect: true }
  copied: { migrate: copy, contents: { file: data/copied.yaml } }
  summed:
    migrate: { copy: { allowDropped: [old, s.old], fields: { packets: { merge: sum }, s.bytes: { merge: sum } } } }
    contents: { mode: exact, values: { 10.0.0.0/8: DROP } }
`);
  const { maps, objects } = config;
  expect(maps['kept']).toMatchObject({ migrate: 'refuse', protect: false, contents: undefined });
  expect(maps['empty']).toMatchObject({ migrate: 'recreate', protect: true });
  expect(maps['copied']).toMatchObject({
    migrate: 'copy',
    copy: { allowDropped: [], sum: [] },
    contents: { mode: 'merge', from: { file: path.join(config.projectRoot, 'data/copied.yaml') } },
  });
  expect(maps['summed']).toMatchObject({
    migrate: 'copy',
    copy: { allowDropped: ['old', 's.old'], sum: ['packets', 's.bytes'] },
    contents: { mode: 'exact', from: { values: { '10.0.0.0/8': 'DROP' } } },
  });
  expect(objects['edge']?.carry).toEqual([
    { name: 'config', sum: false },
    { name: 'drops', sum: true },
  ]);
  expect(objects['other']?.carry.map(({ name }) => name)).toEqual(['at', 'seen']);
});

test('what is wrong with them is said, all at once', () => {
  expect(
    problemsOf(`version: 1
environments: { dev: {} }
objects: { edge: { carry: 7 } }
maps:
  a: { migrate: move }
  b: { migrate: { copy: { fields: { packets: { merge: max } } } } }
  c: { contents: { mode: exact } }
  d: { contents: { file: /etc/passwd } }
  e: { contents: { file: x.yaml, values: {} } }
  f: { pin: shared }
  g: { protect: 1 }
`),
  ).toEqual([
    'a/bpf.config.yaml:3:27: objects.edge.carry: found 7, expected a list of variables, or a map of them',
    "a/bpf.config.yaml:5:17: maps.a.migrate: found 'move', expected refuse, recreate, copy or { copy: ... }",
    expect.stringContaining('a/bpf.config.yaml:6:17: maps.b.migrate'),
    'a/bpf.config.yaml:7:18: maps.c.contents: found neither, expected file or values',
    "a/bpf.config.yaml:8:26: maps.d.contents.file: '/etc/passwd' is an absolute path: write it relative to the workspace's files",
    'a/bpf.config.yaml:9:18: maps.e.contents: found both, expected file or values',
    'a/bpf.config.yaml:10:13: maps.f.pin: a map that projects share is declared in the root file, under maps',
    'a/bpf.config.yaml:11:17: maps.g.protect: found 1, expected true or false',
  ]);
});

test('a shared map is as the root file says', () => {
  const root = 'version: 1\nmaps: { flows: { pin: shared, maxEntries: 64 } }\n';
  expect(load('version: 1\nenvironments: { dev: {} }\n', root).maps['flows']).toMatchObject({
    pin: 'shared',
    maxEntries: 64,
    optional: true,
  });
  expect(
    problemsOf('version: 1\nenvironments: { dev: {} }\nmaps: { flows: { maxEntries: 65 } }\n', root),
  ).toEqual([
    'a/bpf.config.yaml:3:30: maps.flows.maxEntries: the map is shared by projects: only the root file says how it is',
  ]);
});
