import { type ListedProject, listProjects } from '@nx-bpf/deploy/projects';
import { type CreateNodes, type CreateNodesResult } from '@nx/devkit';
import { namesOfTargets, type PluginOptions } from './plugin-options';
import { targets } from './targets';

/** What of Nx's context is used. */
type Context = { readonly workspaceRoot: string };
/** Projects by the manifest that they come from. `CreateNodesResultArray`, which Nx 22 does not have. */
type Inferred = (readonly [file: string, result: CreateNodesResult])[];
type TargetNames = ReturnType<typeof namesOfTargets>;

/**
 * Infers the BPF targets of each project that has a manifest, or that the root manifest names. Only reads YAML:
 * no compiler and no kernel is asked, so the graph is the same on a laptop and in CI. A broken manifest still
 * gives its targets, and running one of them says what is wrong, and where.
 */
// Its type is written out: Nx 22 has another name for it, and both are to find it in our declarations.
export const createNodes = [
  '**/bpf.config.yaml',
  (files: readonly string[], options: PluginOptions | undefined, context: Context): Inferred =>
    inferProjects(files, namesOfTargets(options), context),
] as const satisfies CreateNodes<PluginOptions>;

function inferProjects(files: readonly string[], names: TargetNames, { workspaceRoot }: Context): Inferred {
  // Nx's list leaves out what git and .nxignore ignore: a manifest there is no project of the graph.
  return listProjects(workspaceRoot).flatMap((project): Inferred => {
    const source = project.files.findLast((file) => files.includes(file));
    return source === undefined
      ? []
      : [[source, { projects: { [project.root]: inferred(project, workspaceRoot, names) } }]];
  });
}

function inferred(project: ListedProject, workspaceRoot: string, names: TargetNames) {
  return {
    // A package.json or project.json in its directory has the last word on the name.
    name: project.name,
    targets: targets(project, workspaceRoot, names),
    metadata: { technologies: ['ebpf'] },
  };
}
