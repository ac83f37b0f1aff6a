import {
  type Inclusion,
  listProjects,
  type ListedProject,
  manifestFile,
  scanIncludes,
} from '@nx-bpf/deploy/projects';
import {
  type CreateDependencies,
  type CreateDependenciesContext,
  DependencyType,
  type RawProjectGraphDependency,
} from '@nx/devkit';

/**
 * A project whose C includes a header of another project depends on it, directly or through further headers, and so
 * does one with a map that is pinned among those of another: `nx graph` shows it, and `nx affected` finds it.
 */
export const createDependencies: CreateDependencies = (_options, context) => {
  const owner = ownerIn(context);
  const edges = new Map<string, RawProjectGraphDependency>();
  const projects = listProjects(context.workspaceRoot);
  for (const project of projects) {
    const reasons = [...scanIncludes(context.workspaceRoot, project), ...borrowedMaps(project, projects)];
    for (const { from, to } of reasons) {
      const source = owner(from);
      const target = owner(to);
      if (source === undefined || target === undefined || source === target) continue;
      edges.set(`${source}\0${target}\0${from}`, edge(source, target, from, context));
    }
  }
  return [...edges.values()];
};

/** The manifests of a project and of those among whose pins it has a map: `pin: { path: <root>/<project>/... }`. */
function borrowedMaps(project: ListedProject, projects: readonly ListedProject[]): Inclusion[] {
  return project.written.pins.flatMap((pin) =>
    projects
      .filter(({ name, pinRoot }) => pin.startsWith(`${pinRoot}/${name}/`))
      .map(({ root }) => ({ from: `${project.root}/${manifestFile}`, to: `${root}/${manifestFile}` })),
  );
}

/** Nx wants the file that is the reason to be one that it knows: a generated one, which git ignores, it does not. */
function edge(
  source: string,
  target: string,
  sourceFile: string,
  { fileMap }: CreateDependenciesContext,
): RawProjectGraphDependency {
  const known = fileMap.projectFileMap[source]?.some(({ file }) => file === sourceFile) === true;
  return known
    ? { source, target, sourceFile, type: DependencyType.static }
    : { source, target, type: DependencyType.implicit };
}

/** The project that a file belongs to: that of the innermost directory around it. */
function ownerIn({ projects }: CreateDependenciesContext): (file: string) => string | undefined {
  const roots = Object.entries(projects)
    .map(([name, { root }]) => ({ name, root: root === '.' ? '' : `${root}/` }))
    .sort((a, b) => b.root.length - a.root.length);
  return (file) => roots.find(({ root }) => file.startsWith(root))?.name;
}
