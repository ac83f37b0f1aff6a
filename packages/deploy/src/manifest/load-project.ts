import path from 'node:path';
import { complete } from './complete';
import { type ProjectConfig } from './config';
import { listProjects, manifestFile, readManifest, selectProject, type ListedProject } from './discover';
import { selectEnvironment } from './environment';
import { findUnset, withEnvironmentValues, type Variables } from './environment-values';
import { child, children, inLayer, nowhere, pick, type Layer, type Located, type Origin } from './located';
import { attachById, mergeAll, runsByName } from './merge';
import { Problems } from './problems';
import { resolveConfig } from './resolve';
import { readSetOption } from './set-option';
import { validate } from './validate';

export interface LoadOptions {
  /** Absolute path. */
  readonly workspaceRoot: string;
  /** Name; may be left out in a workspace with one project. */
  readonly project?: string | undefined;
  /** Default: the manifest's `defaultEnvironment`. */
  readonly environment?: string | undefined;
  /** `path=value` each, strongest last. */
  readonly set?: readonly string[] | undefined;
  /** What `{ env: NAME }` in a manifest means; by default the environment of this process. */
  readonly variables?: Variables | undefined;
}

/** Keys of a file that are not part of what is merged. */
const aboutTheFile = new Set(['version', 'name', 'root', 'defaultEnvironment', 'environments', 'projects']);
const onlyInProjects = ['name', 'objects', 'programs', 'run'];
const onlyAtRoot = ['projects'];

/**
 * What a project is to be in an environment. Merge order, weakest first: defaults, root file, project, environment in
 * the root file, environment in the project, `--set`. (A project's part under `projects` in the root file comes
 * before its own file.) Maps merge by key, `attach` lists by id, `run` by name, other lists are replaced, null removes.
 *
 * @throws BpfError MANIFEST_INVALID with every problem found, each `file:line:column: text`; MANIFEST_NOT_FOUND,
 * ENVIRONMENT_UNKNOWN, or USAGE if several projects are possible or a `--set` is no `path=value`
 *
 * @example
 * ```ts
 * const config = loadProject({ workspaceRoot: process.cwd(), project: 'agent', environment: 'prod' });
 * config.maps['blocklist']?.maxEntries; // 1048576
 * ```
 */
export function loadProject(options: LoadOptions): ProjectConfig {
  const workspaceRoot = path.resolve(options.workspaceRoot);
  const problems = new Problems();
  const reading: Reading = { workspaceRoot, variables: options.variables ?? process.env, problems };
  const rootTree = readChecked(reading, manifestFile, 'root');
  const project = selectProject(listProjects(workspaceRoot), options.project);
  const projectTrees = readProject(reading, project, rootTree);
  const settings = (options.set ?? []).map((option) => {
    const tree = readSetOption(option, problems);
    return tree === undefined ? undefined : checked(reading, tree);
  });
  // Without a readable file its environments are not known: complain of the file, not of the environment.
  if ([rootTree, ...projectTrees].every((tree) => tree === undefined)) problems.throwIfAny();
  const environment = selectEnvironment(project, options.environment);

  const part = (tree: Located | undefined, layer: Layer): Located | undefined =>
    tree?.kind === 'map'
      ? runsByName(
          attachById(
            inLayer(
              pick(tree, (key) => !aboutTheFile.has(key)),
              layer,
            ),
            problems,
          ),
          problems,
        )
      : undefined;
  const ofEnvironment = (tree: Located | undefined): Located | undefined =>
    child(child(tree, 'environments'), environment);
  const layers = [
    part(rootTree, 'root'),
    ...projectTrees.map((tree) => part(tree, 'project')),
    part(ofEnvironment(rootTree), 'root environment'),
    ...projectTrees.map((tree) => part(ofEnvironment(tree), 'project environment')),
    ...settings.map((tree) => part(tree, '--set')),
  ].filter((layer) => layer !== undefined);
  const nothing: Located = { kind: 'map', origin: nowhere, entries: new Map() };
  const merged = mergeAll(layers) ?? nothing;
  const named = new Set(layers.filter(({ origin }) => !isShared(origin)).flatMap(mapNames));
  const onlyShared = new Set(layers.flatMap(mapNames).filter((name) => !named.has(name)));

  // What such a value would have been is not known: more could only be said of what is not there.
  if (findUnset(merged, problems)) problems.throwIfAny();
  const config = resolveConfig(complete(merged), {
    workspaceRoot,
    project,
    environment,
    onlyShared,
    files: [...new Set([...(rootTree === undefined ? [] : [manifestFile]), ...project.files])],
    problems,
  });
  problems.throwIfAny();
  return config;
}

/** What every file is read with. */
interface Reading {
  readonly workspaceRoot: string;
  readonly variables: Variables;
  readonly problems: Problems;
}

/** The project's part of the root file and its own file, as far as there are such. */
function readProject(
  reading: Reading,
  project: ListedProject,
  rootTree: Located | undefined,
): (Located | undefined)[] {
  const atRoot = child(child(rootTree, 'projects'), project.name);
  const ownFile = project.files.find((file) => file !== manifestFile);
  return [atRoot, ownFile === undefined ? undefined : readChecked(reading, ownFile, 'project')];
}

function readChecked(reading: Reading, file: string, layer: 'root' | 'project'): Located | undefined {
  const { workspaceRoot, problems } = reading;
  const own = new Problems();
  const tree = readManifest(workspaceRoot, file, layer, own)?.tree;
  problems.addAll(own);
  if (tree === undefined) return undefined;
  const misplaced = layer === 'root' ? onlyInProjects : onlyAtRoot;
  if (tree.kind === 'map') {
    for (const key of misplaced) {
      const entry = tree.entries.get(key);
      if (entry === undefined) continue;
      const where = layer === 'root' ? "in a project's file, or under projects.<name>" : 'in the root file';
      problems.add(entry.origin, `'${key}' belongs ${where}`);
    }
  }
  return checked(reading, tree);
}

function checked({ variables, problems }: Reading, tree: Located): Located {
  return validate(withEnvironmentValues(tree, variables, problems), problems);
}

function mapNames(tree: Located | undefined): string[] {
  return children(child(tree, 'maps')).map(([name]) => name);
}

/** Said in the root file for every project. */
function isShared({ layer }: Origin): boolean {
  return layer === 'root' || layer === 'root environment';
}
