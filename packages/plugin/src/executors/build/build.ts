import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type BuildOptions } from '../options';

/** Compiles the project's C sources to objects. */
export default function build(
  options: BuildOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('build', options, context);
}
