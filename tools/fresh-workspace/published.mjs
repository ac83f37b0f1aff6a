import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { quickEnvironment, root } from '../setup/index.mjs';

/**
 * The packages as they are installed: what a registry shows of them, their exports in each way to import them, and that
 * nothing is imported that is not declared, which npm's flat folder would hide.
 */
export async function publishedForm(workspace) {
  const packages = workspace.packages.map((name) => installed(workspace, name));
  for (const { folder, manifest } of packages) {
    for (const file of ['README.md', 'LICENSE']) assert.ok(existsSync(path.join(folder, file)), file);
    assert.ok(manifest.keywords.length > 0);
    assert.deepEqual(manifest.publishConfig, { access: 'public', provenance: true });
    assert.deepEqual(undeclared(folder, manifest), [], `${manifest.name} imports what it does not declare`);
  }
  const ids = packages.flatMap(({ manifest }) =>
    Object.keys(manifest.exports).map((key) => path.posix.join(manifest.name, key)),
  );
  await importable(workspace, ids);
  types(workspace, packages);
}

function installed(workspace, name) {
  const folder = workspace.path('node_modules', name);
  return { folder, manifest: JSON.parse(workspace.read(`node_modules/${name}/package.json`)) };
}

/** By require and by import there are the same names; JSON is for require, and for tools that read files. */
async function importable(workspace, ids) {
  const code = ids.filter((id) => !id.endsWith('.json'));
  const required = await names(workspace, ids, 'require');
  const imported = await names(workspace, code, 'await import');
  for (const id of ids) assert.ok(required[id].length > 0, `${id} exports something`);
  for (const id of code) {
    const missing = required[id].filter((name) => !imported[id].includes(name));
    assert.deepEqual(missing, [], `names of ${id} that import does not find`);
  }
}

/** The names of the exports of modules, as a process in the workspace sees them. */
async function names(workspace, ids, how) {
  const entries = ids.map((id) => `['${id}', Object.keys(${how}('${id}'))]`);
  const code = `console.log(JSON.stringify(Object.fromEntries([${entries}])))`;
  const type = how === 'require' ? 'commonjs' : 'module';
  return JSON.parse(await workspace.command(process.execPath, [`--input-type=${type}`, '-e', code]));
}

/** Every export with its types, strictly, from an ES module and from a CommonJS one. */
function types(workspace, packages) {
  const ids = packages.flatMap(({ manifest }) =>
    Object.entries(manifest.exports).flatMap(([key, target]) =>
      typeof target === 'object' ? [path.posix.join(manifest.name, key)] : [],
    ),
  );
  assert.ok(ids.length > packages.length);
  const lines = ids.map(
    (id, index) =>
      `import * as all${index} from '${id}';\n` +
      // A module without types would be any, which is anything.
      `export const typed${index}: 0 extends 1 & typeof all${index} ? never : object = all${index};\n`,
  );
  const files = ['mts', 'cts'].map((extension) => {
    workspace.write(`types/all.${extension}`, lines.join(''));
    return workspace.path(`types/all.${extension}`);
  });
  checkTypes(workspace, files);
}

/** Type-checks files with this repository's compiler and types of Node; all else is the workspace's. */
export function checkTypes(workspace, files) {
  const compiler = path.join(root, 'node_modules/typescript/lib/tsc.js');
  const strict = [
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--skipLibCheck',
    'false',
  ];
  const node = ['--types', 'node', '--typeRoots', path.join(root, 'node_modules/@types')];
  const { stdout } = spawnSync(process.execPath, [compiler, '--ignoreConfig', ...strict, ...node, ...files], {
    cwd: workspace.directory,
    env: quickEnvironment,
    encoding: 'utf8',
  });
  // Types of other packages lean on what they do not bring, or on a newer Node's.
  const errors = stdout
    .split('\n')
    .filter((line) => line.includes('error TS') && !/^node_modules\/(?!@nx-bpf\/)/.test(line));
  assert.deepEqual(errors, []);
}

/** What the code and the types of a package import, besides Node and what its package.json names; sorted. */
function undeclared(folder, manifest) {
  const declared = { ...manifest.dependencies, ...manifest.peerDependencies };
  const files = readdirSync(folder, { recursive: true }).filter(
    (file) => /\.(js|d\.ts)$/.test(file) && !file.split(path.sep).includes('node_modules'),
  );
  const imported = files.flatMap((file) => importsOf(path.join(folder, file)));
  const used = new Set(imported.map((id) => /^(?:@[^/]+\/)?[^/]+/.exec(id)[0]));
  return [...used]
    .filter((name) => declared[name] === undefined && name !== manifest.name)
    .filter((name) => !name.startsWith('node:') && !builtinModules.includes(name))
    .sort();
}

/** Modules that a file asks for by name, types too; those of its own package by path left out. */
function importsOf(file) {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true);
  return importedFiles.map(({ fileName }) => fileName).filter((id) => !id.startsWith('.'));
}
