import path from 'node:path';
import { type ProjectConfig } from '../manifest';

/** Where the objects of a project go, an environment apart from the others: their flags may differ. */
export function outputDirectory(config: ProjectConfig): string {
  return path.join(config.projectRoot, 'dist', 'bpf', config.environment);
}

/** Where bundles go: not among the objects, which Nx restores from its cache as a whole. */
export function bundlePath({ projectRoot, project, environment }: ProjectConfig): string {
  return path.join(projectRoot, 'dist', 'bundle', `${project}-${environment}.nxbpf`);
}
