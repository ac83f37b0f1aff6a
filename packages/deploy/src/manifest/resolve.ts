import path from 'node:path';
import { checkFlag } from './cflags';
import {
  type DeployConfig,
  type CarriedVariable,
  type KernelConfig,
  type KernelTypesSource,
  type ObjectConfig,
  type PrivilegesConfig,
  type ProjectConfig,
  type ToolchainConfig,
  type VmlinuxSource,
} from './config';
import { type ListedProject } from './discover';
import { originAt, plain, type Layer, type LocatedMap, type Path } from './located';
import { mapValues } from './map-values';
import { checkCoincidingNames, sharedName } from './names';
import { originsOf } from './origins';
import { insideWorkspace } from './paths';
import { type Problems } from './problems';
import { revisionOf } from './revision';
import { resolveMap } from './resolve-map';
import { resolvePrograms, type WrittenProgram } from './resolve-programs';
import { resolveRuns, type WrittenRuns } from './resolve-run';
import { resolveStructOps } from './resolve-struct-ops';
import { type Manifest } from './schema';
import { parseDuration } from './units';
import { pathText } from './validate';

export interface ResolveContext {
  readonly workspaceRoot: string;
  readonly project: ListedProject;
  readonly environment: string;
  /** Names of the maps that only the root file names. */
  readonly onlyShared: ReadonlySet<string>;
  /** Relative to the workspace. */
  readonly files: readonly string[];
  readonly problems: Problems;
}

/** A part of the manifest after merging: null has removed what it stood for. */
export type Settled<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]: Settled<NonNullable<T[K]>> | undefined }
    : T;
export type Named<T> = Readonly<Record<string, T>>;
type Part<K extends keyof Manifest> = Settled<NonNullable<Manifest[K]>>;
export type Item<K extends 'kernels' | 'objects' | 'maps' | 'programs' | 'structOps'> = NonNullable<
  Part<K>[string]
>;

/** The merged manifest, its defaults filled in (complete.ts): every part is there. */
interface Body {
  readonly toolchain: Required<Part<'toolchain'>>;
  readonly pin: Part<'pin'>;
  readonly deploy: Part<'deploy'>;
  readonly privileges: Part<'privileges'>;
  readonly kernels: Named<Item<'kernels'>>;
  readonly objects: Named<Item<'objects'>>;
  readonly maps: Named<Item<'maps'>>;
  readonly programs: Named<WrittenProgram>;
  readonly structOps: Named<Item<'structOps'>>;
  readonly run: WrittenRuns;
}

/** What the steps below share: where to look a value's place up, and where to complain. */
export interface Resolver {
  readonly workspaceRoot: string;
  readonly projectRoot: string;
  readonly problem: (path: Path, text: string) => void;
  /** The absolute path of a file that the manifest names; '' after a problem. */
  readonly file: (path: Path, relative: string) => string;
  /** Which layer says a value. */
  readonly layer: (path: Path) => Layer;
  readonly flags: (path: Path, flags: readonly string[]) => string[];
}

/** The values of a complete manifest: units resolved, paths absolute, references between its parts checked. */
export function resolveConfig(tree: LocatedMap, context: ResolveContext): ProjectConfig {
  const { workspaceRoot, project, environment } = context;
  const body = plain(tree) as Body;
  const resolver = resolverFor(tree, context);
  if (project.name === sharedName) {
    resolver.problem(
      [],
      `a project cannot be called ${sharedName}: maps that projects share are pinned under that name`,
    );
  }
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(project.name)) {
    resolver.problem(
      [],
      `the project is called '${project.name}', expected a name of letters, digits, _ and -: it is pinned under that; 'name' in its manifest says another`,
    );
  }
  checkCoincidingNames(Object.keys(body.maps), 'maps', (name, text) =>
    resolver.problem(['maps', name], text),
  );
  const programs = resolvePrograms(body.programs, body.objects, resolver);
  return {
    workspaceRoot,
    project: project.name,
    projectRoot: resolver.projectRoot,
    environment,
    environments: project.environments,
    // What it is verified for, and by, and who carries it out makes no other deployment of it.
    revision: revisionOf({
      project: project.name,
      environment,
      manifest: {
        ...body,
        kernels: undefined,
        run: undefined,
        privileges: undefined,
        // What is not used makes no other manifest of one that was written before there was such a thing.
        structOps: Object.keys(body.structOps).length === 0 ? undefined : body.structOps,
      },
    }),
    toolchain: resolveToolchain(body.toolchain, resolver),
    pin: { root: body.pin.root!, mode: parseInt(body.pin.mode!, 8) },
    deploy: resolveDeploy(body.deploy),
    privileges: body.privileges as PrivilegesConfig,
    kernels: mapValues(body.kernels, (kernel, name) => resolveKernel(kernel, ['kernels', name], resolver)),
    objects: mapValues(body.objects, (object, name) => resolveObject(object, ['objects', name], resolver)),
    maps: mapValues(body.maps, (map, name) =>
      resolveMap(map, ['maps', name], context.onlyShared.has(name), resolver),
    ),
    programs,
    structOps: resolveStructOps(body.structOps, { programs, objects: body.objects }, resolver),
    runs: resolveRuns(body.run, body.programs, resolver),
    origins: originsOf(tree),
    files: context.files.map((file) => path.join(workspaceRoot, file)),
  };
}

function resolverFor(tree: LocatedMap, { workspaceRoot, project, problems }: ResolveContext): Resolver {
  const checkedRoot = insideWorkspace(workspaceRoot, workspaceRoot, project.root);
  const projectRoot = 'path' in checkedRoot ? checkedRoot.path : workspaceRoot;
  if ('problem' in checkedRoot) {
    problems.add(
      { file: project.files[0] ?? '', line: 1, column: 1 },
      `projects.${project.name}.root: ${checkedRoot.problem}`,
    );
  }
  const problem = (at: Path, text: string): void =>
    problems.add(originAt(tree, at), `${pathText(at)}: ${text}`);
  // A path is relative to the directory whose file says it: what the root file says for all, to the workspace.
  const base = (at: Path): string =>
    originAt(tree, at).layer.startsWith('root') ? workspaceRoot : projectRoot;
  const file = (at: Path, relative: string): string => {
    const checked = insideWorkspace(workspaceRoot, base(at), relative);
    if ('path' in checked) return checked.path;
    problem(at, checked.problem);
    return '';
  };
  const flags = (at: Path, written: readonly string[]): string[] =>
    written.map((text, i) => {
      const checked = checkFlag(workspaceRoot, base([...at, i]), text);
      if ('flag' in checked) return checked.flag;
      problem([...at, i], checked.problem);
      return '';
    });
  const layer = (at: Path): Layer => originAt(tree, at).layer;
  return { workspaceRoot, projectRoot, problem, file, flags, layer };
}

function resolveToolchain(toolchain: Body['toolchain'], resolver: Resolver): ToolchainConfig {
  return {
    clang: resolveClang(toolchain.clang!, resolver),
    mcpu: toolchain.mcpu!,
    cflags: resolver.flags(['toolchain', 'cflags'], toolchain.cflags!),
    vmlinux: resolveVmlinux(toolchain.vmlinux!, resolver),
  };
}

/** What runs is clang: a manifest cannot name another program. */
function resolveClang(clang: string, resolver: Resolver): string {
  const at = ['toolchain', 'clang'];
  if (!/^clang(-\d+)?$/.test(path.basename(clang))) {
    resolver.problem(at, `found '${clang}', expected clang, clang-<version>, or the path of one`);
  }
  return clang.includes('/') && !path.isAbsolute(clang) ? resolver.file(at, clang) : clang;
}

function resolveVmlinux(vmlinux: string, resolver: Resolver): VmlinuxSource {
  if (vmlinux === 'kernel') return { kind: 'kernel' };
  const file = resolver.file(['toolchain', 'vmlinux'], vmlinux);
  return { kind: vmlinux.endsWith('.h') ? 'header' : 'btf', path: file };
}

function resolveDeploy(deploy: Body['deploy']): DeployConfig {
  return {
    keepGenerations: deploy.keepGenerations!,
    lockTimeoutMs: parseDuration(deploy.lockTimeout!),
    requireLock: deploy.requireLock!,
    signedBy: deploy.signedBy!,
  };
}

function resolveKernel(kernel: Item<'kernels'>, at: Path, resolver: Resolver): KernelConfig {
  const { btf, image, modules, config, required } = kernel;
  if (btf === undefined) resolver.problem(at, "btf is missing: a file, or { package: 'linux-image-...' }");
  if (modules !== undefined && typeof image !== 'string')
    resolver.problem(
      [...at, 'modules'],
      'modules are those of an image that is a file; a package brings its own',
    );
  return {
    btf: resolveTypes(btf, (file) => resolver.file([...at, 'btf'], file)),
    image: resolveImage(image, (file) => resolver.file([...at, 'image'], file)),
    modules: modules === undefined ? undefined : resolver.file([...at, 'modules'], modules),
    config: config === undefined ? undefined : resolver.file([...at, 'config'], config),
    required: required!,
  };
}

function resolveImage(
  image: Item<'kernels'>['image'],
  resolveFile: (file: string) => string,
): KernelConfig['image'] {
  if (image === undefined) return undefined;
  return typeof image === 'object' ? { package: image.package ?? '' } : { file: resolveFile(image) };
}

function resolveTypes(btf: Item<'kernels'>['btf'], resolveFile: (file: string) => string): KernelTypesSource {
  if (btf === 'kernel') return { running: true };
  if (typeof btf === 'object') return { package: btf.package ?? '' };
  return { file: btf === undefined ? '' : resolveFile(btf) };
}

function resolveObject(object: Item<'objects'>, at: Path, resolver: Resolver): ObjectConfig {
  return {
    source: resolver.file([...at, 'source'], object.source!),
    constants: object.constants as Named<unknown>,
    carry: resolveCarry(object.carry),
    cflags: resolver.flags([...at, 'cflags'], object.cflags!),
    includes: object.includes!.map((directory, i) => resolver.file([...at, 'includes', i], directory)),
  };
}

function resolveCarry(carry: Item<'objects'>['carry']): CarriedVariable[] {
  const all = Array.isArray(carry)
    ? (carry as readonly string[]).map((name) => ({ name, sum: false }))
    : Object.entries(carry ?? {}).map(([name, how]) => ({
        name,
        sum: (how as { merge?: string }).merge === 'sum',
      }));
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}
