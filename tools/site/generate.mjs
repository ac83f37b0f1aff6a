/**
 * Writes what the site is made of into a directory: the documents of the repository, and the pages that are made from
 * its code: the manifest reference from the schema, the libraries from their docstrings, the rooms from the lint rule.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Application } from 'typedoc';
import { house } from '../lint/house.mjs';
import { manifestPage } from './manifest-page.mjs';
import { roomsPage } from './rooms-page.mjs';

const root = path.resolve(import.meta.dirname, '../..');

/** @param {string} directory is emptied first */
export async function generate(directory) {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(path.join(directory, 'reference'), { recursive: true });
  const docs = path.join(root, 'docs');
  for (const name of readdirSync(docs).filter((each) => each.endsWith('.md'))) {
    writeFileSync(path.join(directory, name), page(readFileSync(path.join(docs, name), 'utf8')));
  }
  cpSync(path.join(docs, 'pictures'), path.join(directory, 'pictures'), { recursive: true });
  writeFileSync(path.join(directory, 'start.md'), page(readFileSync(path.join(root, 'README.md'), 'utf8')));
  writeFileSync(path.join(directory, 'index.md'), readFileSync(path.join(import.meta.dirname, 'index.md')));
  const schema = JSON.parse(readFileSync(path.join(root, 'packages/deploy/schema.json'), 'utf8'));
  writeFileSync(path.join(directory, 'reference/manifest.md'), manifestPage(schema));
  writeFileSync(path.join(directory, 'reference/rooms.md'), roomsPage(house));
  for (const name of ['loader', 'deploy']) await library(name, path.join(directory, 'reference', name));
}

/**
 * A document as the site has it: links to other documents lead to their pages, and those that lead to files of the
 * repository, which are not there, become the names of the files.
 */
function page(text) {
  return text
    .replace(/\]\(docs\/([a-z-]+\.md[^)]*)\)/g, '](./$1)')
    .replace(/\[([^\]]*)\]\((?!https?:|#|\.\/)(?![a-z-]+\.md[#)])(?!pictures\/)([^)]*)\)/g, '$1');
}

/** The public API of a package: every export with its docstring. */
async function library(name, out) {
  const app = await Application.bootstrapWithPlugins({
    entryPoints: [path.join(root, 'packages', name, 'src/index.ts')],
    tsconfig: path.join(root, 'tsconfig.json'),
    plugin: ['typedoc-plugin-markdown'],
    readme: 'none',
    name: `@nx-bpf/${name}`,
    router: 'kind',
    disableSources: true,
    hideBreadcrumbs: true,
    skipErrorChecking: true,
    excludePrivate: true,
    excludeExternals: true,
    logLevel: 'Error',
    outputs: [{ name: 'markdown', path: out }],
    entryFileName: 'README',
    // Types and C in docstrings are text, not tags of Vue.
    sanitizeComments: true,
  });
  const project = await app.convert();
  if (project === undefined) throw new Error(`the docstrings of ${name} cannot be read`);
  await app.generateOutputs(project);
}
