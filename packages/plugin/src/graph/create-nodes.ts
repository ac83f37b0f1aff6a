import { type ListedProject, listProjects } from '@nx-bpf/deploy/projects';
import { type CreateNodes, type CreateNodesContext, type CreateNodesResultArray } from '@nx/devkit';
import { targets } from './targets';

/**
 * Infers the BPF targets of each project that has a manifest, or that the root manifest names. Only reads YAML:
 * no compiler and no kernel is asked, so the graph is the same on a laptop and in CI. A broken manifest still
 * gives its targets, and running one of them says what is wrong, and where.
 */
export const createNodes: CreateNodes = [
  '**/bpf.config.yaml',
  (files, _options, context) => inferProjects(files, context),
];

function inferProjects(
  files: readonly string[],
  { workspaceRoot }: CreateNodesContext,
): CreateNodesResultArray {
  // Nx's list leaves out what git and .nxignore ignore: a manifest there is no project of the graph.
  return listProjects(workspaceRoot).flatMap((project): CreateNodesResultArray => {
    const source = project.files.findLast((file) => files.includes(file));
    return source === undefined
      ? []
      : [[source, { projects: { [project.root]: inferred(project, workspaceRoot) } }]];
  });
}

function inferred(project: ListedProject, workspaceRoot: string) {
  return {
    // A package.json or project.json in its directory has the last word on the name.
    name: project.name,
    targets: targets(project, workspaceRoot),
    metadata: { technologies: ['ebpf'] },
  };
}
