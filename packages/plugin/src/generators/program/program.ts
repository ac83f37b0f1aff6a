import path from 'node:path';
import { formatFiles, globAsync, joinPathFragments, logger, type Tree } from '@nx/devkit';
import { parseDocument } from 'yaml';
import { identifier, source, type TemplateName, templateNames, templates } from '../templates';
import { addToManifest } from './add-to-manifest';

const manifestFile = 'bpf.config.yaml';

/** Options of the generator, as its schema.json describes them. */
export interface ProgramOptions {
  readonly name: string;
  readonly project: string;
  readonly type?: TemplateName;
  readonly skipFormat?: boolean;
}

/**
 * Adds a program to a project: `src/<name>.bpf.c`, and its entries under `objects` and `programs` of the manifest. A
 * file or an entry that is there already stays as it is.
 *
 * @throws Error for a project without a manifest, or a name that is none
 *
 * @example
 * ```ts
 * await program(tree, { name: 'count-packets', project: 'probe', type: 'xdp' });
 * ```
 */
export default async function program(tree: Tree, options: ProgramOptions): Promise<void> {
  const manifests = await globAsync(tree, [`**/${manifestFile}`]);
  const roots = manifests.map((file) => path.posix.dirname(file)).sort();
  const root = roots.find((each) => namesOf(tree, each).includes(options.project));
  if (root === undefined) {
    throw new Error(
      `no project '${options.project}' has a ${manifestFile}: there is one in ${roots.filter((each) => each !== '.').join(', ') || 'no directory'}. ` +
        '`nx g @nx-bpf/plugin:project NAME` makes one.',
    );
  }
  addProgram(tree, root, options.name, options.type ?? 'empty');
  if (options.skipFormat !== true) await formatFiles(tree);
}

/** What the project in a directory may be called: Nx and the manifest need not agree. */
function namesOf(tree: Tree, root: string): unknown[] {
  const nameIn = (file: string): unknown => {
    const text = tree.read(joinPathFragments(root, file), 'utf8');
    return text === null ? undefined : parseDocument(text).get('name');
  };
  return [
    root,
    path.posix.basename(root),
    ...['project.json', 'package.json', manifestFile].map((file) => nameIn(file)),
  ];
}

/**
 * Writes the C of a program and adds it to the manifest in a directory.
 *
 * @param root of the project, relative to the workspace
 */
export function addProgram(tree: Tree, root: string, name: string, type: TemplateName): void {
  const template = templates[type];
  if (template === undefined) {
    throw new Error(`found type '${String(type)}', expected one of ${templateNames.join(', ')}`);
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(name)) {
    throw new Error(`found the name '${name}', expected letters, digits, _ and -`);
  }
  const file = joinPathFragments(root, 'src', `${name}.bpf.c`);
  if (tree.exists(file)) logger.info(`${file} is there already, and stays as it is`);
  else tree.write(file, source(type, identifier(name)));
  const manifest = joinPathFragments(root, manifestFile);
  const text = tree.read(manifest, 'utf8') ?? 'version: 1\n';
  tree.write(manifest, addToManifest(text, manifest, { object: name, program: identifier(name), template }));
}
