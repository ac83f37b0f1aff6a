import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type StatusOptions } from '../options';

/** Shows what of the project is in the kernel. */
export default function status(
  options: StatusOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('status', options, context);
}
