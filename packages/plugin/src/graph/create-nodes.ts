import { listProjects } from '@nx-bpf/deploy';
import { type CreateNodes, type CreateNodesContext, type CreateNodesResultArray } from '@nx/devkit';
import { targets } from './targets';

/** Every manifest of the workspace: the root one may hold projects too. */
export const manifests = '**/bpf.config.yaml';

/**
 * Infers the BPF targets of each project that has a manifest, or that the root manifest names. Only reads YAML:
 * no compiler and no kernel is asked, so the graph is the same on a laptop and in CI.
 */
export const createNodes: CreateNodes = [
  manifests,
  (files, _options, context) => inferProjects(files, context),
];

function inferProjects(files: readonly string[], { workspaceRoot }: CreateNodesContext): CreateNodesResultArray {
  // Nx's list leaves out what git and .nxignore ignore: a manifest in some dist is no project.
  return listProjects(workspaceRoot)
    .filter((project) => files.includes(project.manifestFile))
    .map((project) => [
      project.manifestFile,
      {
        projects: {
          [project.root]: {
            // A package.json or project.json there has the last word on the name.
            name: project.name,
            targets: targets(project, workspaceRoot),
            metadata: { technologies: ['ebpf'] },
          },
        },
      },
    ]);
}
