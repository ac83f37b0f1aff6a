import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader/errors';
import { usualPinRoot } from './defaults';
import { child, children, textOf, type Layer, type Located } from './located';
import { contains } from './paths';
import { Problems } from './problems';
import { projectName } from './project-name';
import { readYaml } from './read-yaml';
import { suggestion } from './suggestion';
import { writtenSources, type WrittenSources } from './written-sources';

/** What a manifest is called, at the root and in a project. */
export const manifestFile = 'bpf.config.yaml';

/** The files of a directory that decide which project it is, and what that is. */
export const nameFiles = [manifestFile, 'project.json', 'package.json'] as const;

/** The environment of a workspace that names none. */
export const soleEnvironment = 'dev';

/** A project with BPF objects, as far as it can be told without checking its manifest. */
export interface ListedProject {
  readonly name: string;
  /** Relative to the workspace, `.` for the workspace itself. */
  readonly root: string;
  /** Manifest files that name it, relative to the workspace, the root's first. */
  readonly files: readonly string[];
  /** Sorted; never empty. */
  readonly environments: readonly string[];
  readonly defaultEnvironment: string | undefined;
  /** Where everything of it is pinned, as far as it is the same in every environment. */
  readonly pinRoot: string;
  /** Its C, as far as the manifests say. */
  readonly written: WrittenSources;
}

/** A manifest file as read: `tree` is undefined if it is empty or not readable. */
export interface ReadManifest {
  /** Relative to the workspace. */
  readonly file: string;
  readonly tree: Located | undefined;
}

/** Reads a manifest file of the workspace; undefined if there is none. */
export function readManifest(
  workspaceRoot: string,
  file: string,
  layer: Layer,
  problems: Problems,
): ReadManifest | undefined {
  let text;
  try {
    text = fs.readFileSync(path.join(workspaceRoot, file), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new BpfError(
      'FILE',
      `${file} cannot be read`,
      { path: file, hint: (error as Error).message },
      error,
    );
  }
  return { file, tree: readYaml({ text, file, layer }, problems) };
}

/**
 * The projects of a workspace: every directory that has a `bpf.config.yaml`, and every name under `projects` in the
 * root file. Made for graph inference: it reads YAML and nothing more, and a broken manifest still names its project.
 *
 * @param workspaceRoot absolute
 * @returns sorted by root and name
 *
 * @example
 * ```ts
 * listProjects(process.cwd()); // [{ name: 'agent', root: 'packages/agent', files: ['packages/agent/bpf.config.yaml'], ... }]
 * ```
 */
export function listProjects(workspaceRoot: string): ListedProject[] {
  const ignored = new Problems();
  const rootFile = readManifest(workspaceRoot, manifestFile, 'root', ignored);
  const projects = new Map<string, ListedProject>();
  for (const [name, tree] of children(child(rootFile?.tree, 'projects'))) {
    const root = path.normalize(textOf(tree, 'root') ?? `packages/${name}`).replace(/(?<=.)\/+$/, '');
    projects.set(name, describe(name, root, [{ file: manifestFile, tree }], rootFile));
  }
  for (const root of manifestDirectories(workspaceRoot)) {
    const own = readManifest(workspaceRoot, path.join(root, manifestFile), 'project', ignored);
    if (own === undefined) continue;
    const name = textOf(own.tree, 'name') ?? projectName(path.join(workspaceRoot, root));
    const atRoot = children(child(rootFile?.tree, 'projects')).find(([key]) => key === name);
    const manifests = atRoot === undefined ? [own] : [{ file: manifestFile, tree: atRoot[1] }, own];
    // Two directories of one name: both are listed, and loadProject says so.
    const key = projects.get(name) === undefined || atRoot !== undefined ? name : `${name}\0${root}`;
    projects.set(key, describe(name, root, manifests, rootFile));
  }
  return [...projects.values()].sort((a, b) => compare(a.root, b.root) || compare(a.name, b.name));
}

function describe(
  name: string,
  root: string,
  manifests: readonly ReadManifest[],
  rootFile: ReadManifest | undefined,
): ListedProject {
  const trees = [rootFile?.tree, ...manifests.map(({ tree }) => tree)];
  const environments = new Set(
    trees.flatMap((tree) => children(child(tree, 'environments')).map(([key]) => key)),
  );
  const chosen = trees.map((tree) => textOf(tree, 'defaultEnvironment')).filter((text) => text !== undefined);
  const pinRoots = trees
    .map((tree) => textOf(child(tree, 'pin'), 'root'))
    .filter((text) => text !== undefined);
  if (environments.size === 0) environments.add(chosen.at(-1) ?? soleEnvironment);
  return {
    name,
    root,
    files: manifests.map(({ file }) => file),
    environments: [...environments].sort(),
    defaultEnvironment: chosen.at(-1) ?? (environments.has(soleEnvironment) ? soleEnvironment : undefined),
    pinRoot: pinRoots.at(-1) ?? usualPinRoot,
    written: writtenSources(root, [
      { tree: rootFile?.tree, base: '.' },
      // What the root file says is relative to the workspace.
      ...manifests.map(({ file, tree }) => ({ tree, base: file === manifestFile ? '.' : root })),
    ]),
  };
}

/** Directories below the root with a manifest, relative. */
function manifestDirectories(workspaceRoot: string): string[] {
  const found: string[] = [];
  search(workspaceRoot, (directory, { name }) => {
    if (name === manifestFile && directory !== '') found.push(directory);
  });
  return found.sort();
}

/**
 * Where manifests are looked for: a directory that is not among them has none. Nothing is added to a directory or taken
 * from it without a change of the time of its own last change.
 *
 * @returns absolute paths, sorted
 */
export function searchedDirectories(workspaceRoot: string): string[] {
  return search(workspaceRoot, () => undefined).map((directory) => path.join(workspaceRoot, directory));
}

/**
 * Goes through the directories of a workspace, not through symbolic links, packages, outputs or dot names.
 *
 * @param file told of each file, with its directory relative to the workspace
 * @returns the directories, relative, sorted
 */
function search(workspaceRoot: string, file: (directory: string, entry: fs.Dirent) => void): string[] {
  const searched: string[] = [];
  const pending = [''];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    searched.push(directory);
    for (const entry of fs.readdirSync(path.join(workspaceRoot, directory), { withFileTypes: true })) {
      const { name } = entry;
      if (entry.isDirectory() && !name.startsWith('.') && name !== 'node_modules' && name !== 'dist') {
        pending.push(path.join(directory, name));
      } else if (entry.isFile()) {
        file(directory, entry);
      }
    }
  }
  return searched.sort();
}

/** Picks a project by name, or the only one there is. */
export function selectProject(projects: readonly ListedProject[], name: string | undefined): ListedProject {
  const names = projects.map((project) => project.name);
  if (projects.length === 0) {
    throw new BpfError('MANIFEST_NOT_FOUND', `no project has a ${manifestFile}`, {
      hint: `write one beside the project's C sources, or name the project under 'projects' in the root's`,
    });
  }
  const matching = name === undefined ? projects : projects.filter((project) => project.name === name);
  if (matching.length === 1) return matching[0]!;
  if (name === undefined) {
    throw new BpfError('USAGE', 'several projects', { found: names.join(', '), hint: 'name one' });
  }
  if (matching.length === 0) {
    throw new BpfError('MANIFEST_NOT_FOUND', `no project '${name}' has a manifest`, {
      symbol: name,
      hint: suggestion(name, names),
    });
  }
  throw new BpfError('MANIFEST_INVALID', `${matching.length} projects are named '${name}'`, {
    found: matching.map((project) => project.root).join(', '),
    hint: `give one another name: with 'name' in its ${manifestFile}`,
  });
}

/**
 * The workspace and the project that a command means, from where it is run: the workspace is the nearest directory
 * upwards with an `nx.json`, else the uppermost with a manifest; the project is the one whose directory holds `cwd`,
 * else the only one.
 *
 * @param options.project a name, which then decides
 * @param options.list how projects are found: by default they are read
 * @throws BpfError MANIFEST_NOT_FOUND, or USAGE if several projects are possible
 *
 * @example
 * ```ts
 * resolveProject({ cwd: '/ws/packages/agent/src' }); // { workspaceRoot: '/ws', project: 'agent' }
 * ```
 */
export function resolveProject(options: {
  readonly cwd: string;
  readonly project?: string | undefined;
  readonly list?: ((workspaceRoot: string) => readonly ListedProject[]) | undefined;
}): {
  workspaceRoot: string;
  project: string;
} {
  const { list = listProjects } = options;
  const workspaceRoot = findWorkspace(options.cwd);
  const projects = list(workspaceRoot);
  const around = projects
    .filter(({ root }) => contains(path.join(workspaceRoot, root), options.cwd))
    .sort((a, b) => b.root.length - a.root.length)[0];
  return { workspaceRoot, project: selectProject(projects, options.project ?? around?.name).name };
}

/**
 * The workspace root of a directory.
 *
 * @example
 * ```ts
 * findWorkspace('packages/agent') === process.cwd(); // true, where an nx.json is
 * ```
 */
export function findWorkspace(cwd: string): string {
  let topmost: string | undefined;
  for (let directory = path.resolve(cwd); ; directory = path.dirname(directory)) {
    if (fs.existsSync(path.join(directory, 'nx.json'))) return directory;
    if (fs.existsSync(path.join(directory, manifestFile))) topmost = directory;
    if (directory === path.dirname(directory)) break;
  }
  if (topmost !== undefined) return topmost;
  throw new BpfError('MANIFEST_NOT_FOUND', `no ${manifestFile} in ${cwd} or above it`, {
    path: cwd,
    hint: 'run this in a workspace, or write a manifest',
  });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
