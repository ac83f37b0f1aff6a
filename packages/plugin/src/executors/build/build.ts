import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type DeployOptions } from '../options';

/** Compiles the project's C sources to objects. */
export default function build(
  options: DeployOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('build', options, context);
}
