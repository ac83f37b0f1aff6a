import { listProjects, type Request, runOrWatch } from '@nx-bpf/deploy';
import { type ExecutorContext } from '@nx/devkit';
import { type DeployOptions } from './options';

/** Nx's options and context as a request to deploy, which prints what people read and writes the result as JSON. */
export async function execute(
  command: Parameters<typeof runOrWatch>[0],
  options: DeployOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  const { success } = await runOrWatch(command, {
    ...options,
    verbose: options.verbose ?? context.isVerbose,
    workspaceRoot: context.root,
    project: manifestName(context),
  } satisfies Request);
  return { success };
}

/** What the manifest calls the project: Nx's name may have a scope, or be another one; the directory is the same. */
function manifestName({ root, projectName = '', projectsConfigurations }: ExecutorContext): string {
  const directory = projectsConfigurations.projects[projectName]?.root;
  return listProjects(root).find((project) => project.root === directory)?.name ?? projectName;
}
