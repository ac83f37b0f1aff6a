import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type BundleOptions } from '../options';

/** Writes the project in an environment as one file. */
export default function bundle(
  options: BundleOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('bundle', options, context);
}
