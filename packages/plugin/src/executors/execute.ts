import { type CommandName, type Request, runAt } from '@nx-bpf/deploy/run';
import { type ExecutorContext } from '@nx/devkit';
import { type DeployOptions } from './options';

/** Nx's options and context as a request to deploy, which prints what people read and writes the result as JSON. */
export async function execute(
  command: CommandName,
  options: DeployOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  const { root, projectName = '', projectsConfigurations, isVerbose } = context;
  const request: Request = {
    ...options,
    verbose: options.verbose ?? isVerbose,
    workspaceRoot: root,
    project: projectName,
  };
  // Nx's name may have a scope, or be another one than the manifest's; the directory is the same.
  const { success } = await runAt(command, request, projectsConfigurations.projects[projectName]?.root);
  return { success };
}
