import { type ExecutorContext } from '@nx/devkit';
import { execute } from '../execute';
import { type UnloadOptions } from '../options';

/** Removes from the kernel what the project's deployment put there. */
export default function unload(
  options: UnloadOptions,
  context: ExecutorContext,
): Promise<{ success: boolean }> {
  return execute('destroy', options, context);
}
