import { type Request, run } from '@nx-bpf/deploy';
import { type ExecutorContext } from '@nx/devkit';
import { type DeployOptions } from './options';

/** Nx's options and context as a request to deploy, which prints what people read and writes the result as JSON. */
export async function execute(
  command: Parameters<typeof run>[0],
  options: DeployOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  const { success } = await run(command, request(options, context));
  return { success };
}

function request(options: DeployOptions, context: ExecutorContext): Request {
  if (context.projectName === undefined) throw new Error('a BPF target runs for a project, and Nx named none');
  return {
    workspaceRoot: context.root,
    project: context.projectName,
    ...(options.environment !== undefined && { environment: options.environment }),
    ...(options.set !== undefined && { set: options.set }),
    verbose: options.verbose ?? context.isVerbose,
  };
}
