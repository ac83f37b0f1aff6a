import path from 'node:path';
import { RememberedManifests } from '../cache';
import { type CommandName } from './commands';
import { type Outcome, type Request } from './request';
import { runOrWatch } from './watch';

/**
 * Runs a command as {@link runOrWatch}, on the project in a directory: others may call a project by another name than
 * its manifest does.
 *
 * @param directory relative to the workspace, `.` for the workspace itself; without a project there, or undefined, the
 *   request's project counts
 *
 * @example
 * ```ts
 * const { success } = await runAt('build', { workspaceRoot: process.cwd(), project: '@acme/agent' }, 'packages/agent');
 * ```
 */
export function runAt(
  command: CommandName,
  request: Request,
  directory: string | undefined,
): Promise<Outcome> {
  const project =
    directory === undefined
      ? undefined
      : new RememberedManifests(path.resolve(request.workspaceRoot))
          .projects()
          .find(({ root }) => root === directory)?.name;
  return runOrWatch(command, { ...request, project: project ?? request.project });
}
