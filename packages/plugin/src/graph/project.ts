/** What of a manifest the graph shows: see `listProjects` of @nx-bpf/deploy, which reads it. */
export interface BpfProject {
  /** The project's name in the manifest's world: `agent`. */
  readonly name: string;
  /** Its directory, relative to the workspace: `packages/agent`. */
  readonly root: string;
  /** The manifest that declares it, relative to the workspace. */
  readonly manifestFile: string;
  /** Names of the environments it can be deployed to, sorted. */
  readonly environments: readonly string[];
  /** The environment of a run that names none. */
  readonly defaultEnvironment: string;
}
