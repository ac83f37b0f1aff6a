import fs from 'node:fs';
import path from 'node:path';
import { fileStatus, refuseSharedFolder, writeByRename } from '@nx-bpf/loader';
import {
  listProjects,
  loadProject,
  nameFiles,
  searchedDirectories,
  type ListedProject,
  type LoadOptions,
  type ProjectConfig,
} from '../manifest';

/** What was changed this shortly before it was read may change again within one tick of the file system's clock. */
const settledMs = 100;

/** A workspace's manifests as they were read and checked. */
interface Memory {
  /** Which build of this package checked them. */
  readonly checkedBy: string;
  /** Absolute: a copy of a workspace has a copy of this. */
  readonly workspaceRoot: string;
  /** Status of every directory that was searched and every file that was read, null for one that is not there. */
  readonly stamps: ReadonlyMap<string, string | null>;
  readonly projects: readonly ListedProject[];
  /** By project and environment as they were asked for. */
  readonly configs: ReadonlyMap<string, RememberedConfig>;
}

interface RememberedConfig {
  readonly config: ProjectConfig;
  /** The variables that it may take values from, as they were. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/**
 * The build that this file is of; undefined for a checkout, which runs its source: there what checks a manifest may be
 * another tomorrow, and nothing is remembered.
 */
function thisBuild(): string | undefined {
  return __filename.endsWith('.js') ? `${__filename} ${fileStatus(__filename)?.stamp}` : undefined;
}

/**
 * Manifests that were read and checked before, as long as no directory that was searched for them, no file that says
 * something of them and no variable has changed: YAML and the schema are not loaded then. Remembered in the workspace,
 * in a folder that only this user can write.
 *
 * @example
 * ```ts
 * const manifests = new RememberedManifests(process.cwd());
 * manifests.load({ project: 'agent', environment: 'dev' }).environment; // 'dev'
 * ```
 */
export class RememberedManifests {
  private readonly folder: string;
  private readonly file: string;

  /**
   * @param workspaceRoot absolute
   * @param checkedBy which build checks; undefined: nothing is remembered
   */
  constructor(
    private readonly workspaceRoot: string,
    private readonly checkedBy: string | undefined = thisBuild(),
  ) {
    this.folder = path.join(workspaceRoot, '.nx-bpf', 'cache', 'manifest');
    this.file = path.join(this.folder, 'manifests');
  }

  /** As `listProjects`. */
  projects(): readonly ListedProject[] {
    return this.recall()?.projects ?? this.remember(undefined).projects;
  }

  /**
   * As `loadProject`.
   *
   * @throws BpfError as that does
   */
  load(options: Omit<LoadOptions, 'workspaceRoot' | 'variables'>): ProjectConfig {
    const { workspaceRoot } = this;
    // What --set says is not remembered: it is seldom the same twice.
    if ((options.set ?? []).length > 0) return loadProject({ workspaceRoot, ...options });
    const memory = this.recall();
    const known = memory?.configs.get(keyOf(options));
    if (known !== undefined && isStill(known.variables)) return known.config;
    return this.remember(options, memory).config!;
  }

  /** What is remembered, if it still holds. */
  private recall(): Memory | undefined {
    if (this.checkedBy === undefined || fileStatus(this.folder) === undefined) return undefined;
    if (refuseSharedFolder(this.folder) !== undefined) return undefined;
    const { deserialize } = process.getBuiltinModule('node:v8');
    let memory: Memory;
    try {
      memory = deserialize(fs.readFileSync(this.file)) as Memory;
    } catch {
      return undefined;
    }
    const holds =
      memory.checkedBy === this.checkedBy &&
      memory.workspaceRoot === this.workspaceRoot &&
      [...memory.stamps].every(([place, stamp]) => (fileStatus(place)?.stamp ?? null) === stamp);
    return holds ? memory : undefined;
  }

  /** Reads and checks, and remembers what came of it unless something was changed meanwhile or just before. */
  private remember(
    options: Omit<LoadOptions, 'workspaceRoot' | 'variables'> | undefined,
    memory?: Memory,
  ): { projects: readonly ListedProject[]; config: ProjectConfig | undefined } {
    const { workspaceRoot, checkedBy } = this;
    const remembers = checkedBy !== undefined && refuseSharedFolder(this.folder) === undefined;
    const before = remembers ? this.look() : undefined;
    const projects = memory?.projects ?? listProjects(workspaceRoot);
    const config = options && loadProject({ workspaceRoot, ...options });
    if (before === undefined || checkedBy === undefined) return { projects, config };
    const configs = new Map(memory?.configs);
    if (options !== undefined && config !== undefined) {
      const project = projects.find(({ name }) => name === config.project);
      const named = project?.written.variables ?? [];
      const variables = Object.fromEntries(named.map((name) => [name, process.env[name]]));
      configs.set(keyOf(options), { config, variables });
    }
    const after = this.look();
    const steady =
      after.size === before.size && [...after].every(([place, stamp]) => before.get(place) === stamp);
    if (steady) this.store({ checkedBy, workspaceRoot, stamps: after, projects, configs });
    return { projects, config };
  }

  /** Status of all that manifests and names of projects come from; what has not settled yet is unlike itself. */
  private look(): Map<string, string | null> {
    const directories = searchedDirectories(this.workspaceRoot);
    const settled = Date.now() - settledMs;
    const stamps = new Map<string, string | null>();
    for (const directory of directories) {
      for (const place of [directory, ...nameFiles.map((name) => path.join(directory, name))]) {
        const status = fileStatus(place);
        // That a file is not there is told by its directory.
        if (status === undefined && place !== directory) continue;
        const unsettled = status !== undefined && status.changed > settled;
        stamps.set(place, unsettled ? `${Math.random()}` : (status?.stamp ?? null));
      }
    }
    return stamps;
  }

  private store(memory: Memory): void {
    const { serialize } = process.getBuiltinModule('node:v8');
    try {
      writeByRename(this.file, serialize(memory));
    } catch {
      // A workspace that cannot be written is read and checked each time.
    }
  }
}

function keyOf({ project, environment }: Pick<LoadOptions, 'project' | 'environment'>): string {
  return JSON.stringify([project ?? null, environment ?? null]);
}

function isStill(variables: RememberedConfig['variables']): boolean {
  return Object.entries(variables).every(([name, value]) => process.env[name] === value);
}
