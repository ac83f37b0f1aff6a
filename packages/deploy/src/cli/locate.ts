import { RememberedManifests } from '../cache';
import { resolveProject } from '../manifest';

/** The workspace around the current directory, and the project named, or the one the directory is in. */
export function locate(project: string | undefined): { workspaceRoot: string; project: string } {
  return resolveProject({
    cwd: process.cwd(),
    project,
    list: (workspaceRoot) => new RememberedManifests(workspaceRoot).projects(),
  });
}
