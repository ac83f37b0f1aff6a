import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';

const projects = ['direct', 'indirect', 'neither'];
const all = projects.join(' ');

/**
 * What makes Nx build again, and what does not: three projects and a library of headers, of which one project
 * includes a header itself, one through another header, and one not at all.
 */
export async function invalidation(workspace) {
  await write(workspace);
  const rebuilt = (environment, ...args) => build(workspace, environment, ...args);
  const edit = (file, text) => workspace.write(file, `${workspace.read(file)}${text}\n`);

  assert.equal(await rebuilt(), all, 'the first build compiles all');
  assert.equal(await rebuilt(), '', 'the second nothing');
  const before = digests(workspace);

  edit('libs/headers/README.md', 'More words.');
  edit('packages/direct/test/notes.txt', 'More words.');
  edit('libs/headers/unused.h', '#define UNUSED_TOO 1');
  assert.equal(await rebuilt(), '', 'files that no C includes');

  edit('libs/headers/base.h', '/* a comment */');
  const affected = await workspace.nx(['show', 'projects', '--affected', '--files=libs/headers/base.h']);
  assert.deepEqual(
    affected.trim().split('\n').sort(),
    ['direct', 'headers', 'indirect'],
    'affected by a header',
  );
  assert.equal(await rebuilt(), 'direct indirect', 'a header, for who includes it directly or not');
  assert.deepEqual(digests(workspace), before, 'a comment in a header gives the same objects');

  edit('packages/neither/bpf.config.yaml', '# a comment');
  assert.equal(await rebuilt(), 'neither', "a project's own manifest");
  edit('bpf.config.yaml', '# a comment');
  assert.equal(await rebuilt(), all, 'the manifest of the workspace');

  workspace.write(
    'bin/clang',
    '#!/bin/sh\nclang-19 "$@" && if [ "$1" = --version ]; then echo with a patch; fi\n',
  );
  chmodSync(workspace.path('bin/clang'), 0o755);
  assert.equal(await rebuilt({ PATH: `${workspace.path('bin')}:${process.env.PATH}` }), all, 'another clang');
  rmSync(workspace.path('bin'), { recursive: true });

  assert.equal(await rebuilt({}, '-c', 'prod'), all, 'another environment');
  assert.equal(await rebuilt(), '', 'and back again');
}

async function write(workspace) {
  workspace.write('bpf.config.yaml', 'version: 1\nenvironments: { dev: {}, prod: {} }\n');
  workspace.write('libs/headers/project.json', '{ "name": "headers" }');
  workspace.write('libs/headers/README.md', '');
  workspace.write('libs/headers/base.h', '#pragma once\n#define ANSWER 2\n');
  workspace.write('libs/headers/through.h', '#pragma once\n#include "base.h"\n');
  workspace.write('libs/headers/unused.h', '');
  workspace.write('packages/direct/test/notes.txt', '');
  const headers = { direct: 'base.h', indirect: 'through.h', neither: undefined };
  for (const [name, header] of Object.entries(headers)) {
    const object = `{ includes: [../../libs/headers], source: src/${name}.bpf.c }`;
    workspace.write(`packages/${name}/bpf.config.yaml`, `version: 1\nobjects: { ${name}: ${object} }\n`);
    workspace.write(
      `packages/${name}/src/${name}.bpf.c`,
      `${header === undefined ? '#define ANSWER 2' : `#include <${header}>`}
__attribute__((section("xdp"), used)) int ${name}(void *context) { return ANSWER; }
`,
    );
  }
  // What git does not know, `nx affected` does not either.
  const git = (...args) => execFileSync('git', args, { cwd: workspace.directory, stdio: 'ignore' });
  workspace.write('.gitignore', 'node_modules\n.nx\n.nx-bpf\ndist\n*.tgz\n');
  git('init', '-b', 'main');
  git('add', '-A');
  git('-c', 'user.name=test', '-c', 'user.email=test@example.com', 'commit', '-m', 'all');
}

/** Which of the projects were compiled, sorted: the others came from Nx's cache. */
export async function build(workspace, environment = {}, ...args) {
  const said = await workspace.nx(
    ['run-many', '-t', 'bpf-build', '-p', projects.join(), '--outputStyle=static', ...args],
    environment,
  );
  const lines = [...said.matchAll(/nx run (\w+):bpf-build(?::\w+)?(.*)/g)];
  const compiled = lines.filter(([, , rest]) => !rest.includes('cache')).map(([, name]) => name);
  return [...new Set(compiled)].sort().join(' ');
}

/** SHA-256 of each object. */
export function digests(workspace) {
  return projects.map((name) =>
    createHash('sha256')
      .update(workspace.read(`packages/${name}/dist/bpf/dev/${name}.bpf.o`))
      .digest('hex'),
  );
}
